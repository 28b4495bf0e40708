from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from connectors.publishing.envelope_builder import Envelope, EnvelopeBuilder, Limits

limits = st.builds(
    Limits,
    events=st.integers(1, 5),
    size=st.integers(10, 60),
    linger=st.floats(0.01, 2),
)
steps = st.lists(st.tuples(st.integers(0, 3), st.binary(min_size=1, max_size=80), st.floats(0, 1)), max_size=60)


def numbered(dossiers: Sequence[str]) -> list[int]:
    """Here a dossier is named by its partition."""
    return [int(dossier) for dossier in dossiers]


def fill(limits: Limits, steps: list[tuple[int, bytes, float]]) -> tuple[list[Envelope], list[float]]:
    """What comes out, and how long the oldest line stayed at each moment, when somebody looks at every step."""
    filling, now = EnvelopeBuilder(limits, numbered), 0.0
    out: list[Envelope] = []
    overdue: list[float] = []
    for number, (partition, line, pause) in enumerate(steps):
        now += pause
        out += filling.due(now)
        overdue.append(now - (filling.next_due() or now))
        out += filling.add(str(partition), str(number), line, now)
    out += filling.drain()
    assert filling.is_empty
    assert filling.next_due() is None
    return out, overdue


@given(limits, steps)
def test_every_line_comes_out_once_and_in_order_per_partition(
    limits: Limits, steps: list[tuple[int, bytes, float]]
) -> None:
    out, _ = fill(limits, steps)
    for partition in range(4):
        came = [line for envelope in out if envelope.partition == partition for line in envelope.lines]
        assert came == [line for where, line, _ in steps if where == partition]


@given(limits, steps)
def test_no_envelope_exceeds_its_limits_but_for_a_line_that_is_too_large_alone(
    limits: Limits, steps: list[tuple[int, bytes, float]]
) -> None:
    for envelope in fill(limits, steps)[0]:
        assert 1 <= len(envelope.lines) <= limits.events
        assert envelope.size == sum(len(line) + 1 for line in envelope.lines)
        assert envelope.size <= limits.size or len(envelope.lines) == 1


@given(limits, steps)
def test_nothing_that_is_due_stays(limits: Limits, steps: list[tuple[int, bytes, float]]) -> None:
    assert all(overdue <= 0 for overdue in fill(limits, steps)[1])


@given(limits, steps)
def test_an_envelope_is_known_by_its_first_event(limits: Limits, steps: list[tuple[int, bytes, float]]) -> None:
    for envelope in fill(limits, steps)[0]:
        assert steps[int(envelope.first_id)][1] == envelope.lines[0]


def test_an_envelope_lingers_from_its_first_line() -> None:
    filling = EnvelopeBuilder(Limits(linger=1.0), numbered)
    assert filling.add("0", "a", b"first", now=10.0) == []
    assert filling.add("0", "b", b"second", now=10.9) == []
    assert filling.due(10.99) == []
    assert filling.next_due() == 11.0
    assert [envelope.lines for envelope in filling.due(11.0)] == [(b"first", b"second")]


def test_an_envelope_that_was_opened_early_goes_first() -> None:
    filling = EnvelopeBuilder(Limits(events=3, linger=1.0), numbered)
    for number, partition in enumerate("0123"):
        filling.add(partition, str(number), partition.encode(), now=10.0 + number / 10)
    assert [envelope.partition for envelope in filling.due(11.0)] == [0, 1, 2]
    assert [envelope.partition for envelope in filling.due(11.3)] == [3]


def test_a_full_envelope_goes_at_once() -> None:
    filling = EnvelopeBuilder(Limits(events=3, linger=1.0), numbered)
    assert [filling.add("0", str(number), b"line", now=0.0) for number in range(2)] == [[], []]
    assert [len(envelope.lines) for envelope in filling.add("0", "2", b"line", now=0.0)] == [3]
    assert filling.is_empty


def test_what_waits_is_bounded_by_size_too() -> None:
    filling = EnvelopeBuilder(Limits(events=500, size=100), numbered)
    out = [envelope for number in range(20) for envelope in filling.add("0", str(number), bytes(30), now=0.0)]
    assert sum(len(envelope.lines) for envelope in out) >= 16
