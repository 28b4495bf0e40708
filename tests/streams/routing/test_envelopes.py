from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import MAX_EVENTS, encode_event
from schemas.events import AnyEvent
from schemas.partition import partition_of
from streams.routing.envelopes import MAX_BYTES, envelopes
from tests.strategies import events


@given(st.lists(events(), max_size=20), st.integers(1, 5), st.integers(1, 60))
def test_every_event_is_in_one_envelope_of_its_partition_and_the_order_holds(
    some: list[AnyEvent], partitions: int, times: int
) -> None:
    history = some * times
    made = envelopes(history, partitions)
    for partition in range(partitions):
        lines = [line for at, value in made if at == partition for line in value.split(b"\n")]
        assert lines == [encode_event(each) for each in history if partition_of(each.dossier, partitions) == partition]
    for _, value in made:
        assert value.count(b"\n") < MAX_EVENTS
        assert len(value) <= MAX_BYTES or b"\n" not in value
