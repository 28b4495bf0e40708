"""What a publisher knows of the envelopes it has sent, until Kafka has acknowledged or refused them."""

import threading

import pytest

from connectors.errors import Undelivered
from connectors.publishing.deliveries import Deliveries
from connectors.publishing.envelope_builder import Envelope

FULL = Envelope(3, (b"{}", b"{}"), "first", 100)


def deliveries(limit: int = 100) -> Deliveries:
    found = Deliveries("kafka:9092", "events", limit)
    found.accepted = 2
    return found


def test_room_comes_with_an_acknowledgement() -> None:
    found = deliveries()
    on_done = found.add(FULL)
    with pytest.raises(Undelivered, match=r"2 events for events at kafka:9092 were not acknowledged within 0\.01 s"):
        found.wait_for_room(0.01)
    threading.Timer(0.01, on_done, [None]).start()
    found.wait_for_room(10.0)
    assert found.acknowledged == 2


def test_only_what_was_sent_before_is_waited_for() -> None:
    found = deliveries(limit=1000)
    first = found.add(FULL)
    last = found.last
    found.add(FULL)
    first(None)
    found.wait_until_acknowledged(last, 0.01)
    with pytest.raises(Undelivered):
        found.wait_until_acknowledged(found.last, 0.01)


def test_a_failure_is_raised_again_and_again_and_names_its_first_event() -> None:
    found = deliveries()
    on_done = found.add(FULL)
    on_done(OSError("no  route"))
    on_done(None)
    for _ in range(2):
        with pytest.raises(Undelivered, match="beginning with 'first' of partition 3: check Kafka") as caught:
            found.wait_for_room(10.0)
        assert (caught.value.partition, caught.value.first_id, caught.value.events) == (3, "first", 2)
        assert "(no route)" in str(caught.value)
    assert found.has_raised
    assert found.acknowledged == 0
