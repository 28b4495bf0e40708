"""The log of a schedule: the records of each partition, and what is true of every line by the way it was made."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, cached_property
from random import Random
from typing import Any

from kafka.partitioner.default import murmur2
from msgspec import Struct, structs

from chaos.oracle.case import Terms
from chaos.oracle.expected_rows import Capacity, Expected, expected
from chaos.oracle.law import built_in_law
from chaos.simulation.ruling import LAW, RULING, TIME_ZONE
from chaos.simulation.terms import random_term_event
from schemas import events as kinds
from schemas.deployment_profile import Profile
from schemas.envelope import encode_event
from schemas.events import MAX_NUMBERED, Event
from streams.counting.dead_letter_limit import LimitWindow
from streams.counting.identity import Identity
from streams.counting.record import Record, offset_gap
from streams.on_time.ruling import built_in_ruling

TOPIC = "simulated-events"
DOSSIERS = tuple(f"D{number}" for number in range(9))

_LOCAL = timezone(timedelta(hours=7))
_MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=_LOCAL)
_MONTHS_LATER = datetime(2026, 6, 1, tzinfo=UTC)
_AHEAD = timedelta(hours=1)
"""How far an event may lie ahead of its record; stated independently of the code under test."""
_POOL = 400
_FEW_NUMBERS = 3
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


class Line(Struct, frozen=True):
    """A line of a record: its bytes, and the event that it is, or None where it is none."""

    content: bytes
    event: Event | None = None
    reason: str = ""


class Entry(Struct, frozen=True):
    """A record: its timestamp in milliseconds, which may be anything, and its lines; without lines it has no value.

    One that is `empty` is no record: the marker of a transaction, or a record of an aborted one. Nobody gets its lines.
    """

    timestamp: int
    lines: tuple[Line, ...]
    empty: bool = False


class Log(Struct, frozen=True, dict=True):
    """The records of each partition, in the order of their offsets."""

    entries: tuple[tuple[Entry, ...], ...]
    terms: Terms
    numbered: int = MAX_NUMBERED
    """How many numbered registers a case may have."""
    own_ruling: bool = False
    """Whether calendars, promises and rules are those of `chaos.simulation.ruling`."""

    @property
    def partitions(self) -> int:
        """How many there are."""
        return len(self.entries)

    @cached_property
    def identity(self) -> Identity:
        """What the records are counted by."""
        return Identity(
            TOPIC,
            self.partitions,
            1,
            Profile(time_zone=TIME_ZONE, terms=self.terms),
            RULING if self.own_ruling else built_in_ruling(TIME_ZONE),
        )

    @cached_property
    def records(self) -> list[list[Record]]:
        """The records as a worker gets them, with a gap for each empty offset."""
        return [
            [
                offset_gap(partition, offset, offset)
                if entry.empty
                else Record(partition, offset, entry.timestamp, _value(entry))
                for offset, entry in enumerate(entries)
            ]
            for partition, entries in enumerate(self.entries)
        ]

    @cached_property
    def reasons(self) -> dict[tuple[int, int, int], str]:
        """The reason of each line that must be dead-lettered, by partition, offset and line."""
        return {place: reason for place, (_, reason) in self._lines.items() if reason}

    @cached_property
    def progress(self) -> dict[int, tuple[int, LimitWindow]]:
        """The last offset of each partition, of a record or of a gap, and the dead-letter limit's only window."""
        dead = Counter(partition for (partition, _, _), reason in self.reasons.items() if reason != "full")
        lines = Counter(partition for partition, _, _ in self._lines)
        return {
            partition: (len(entries) - 1, LimitWindow(lines[partition], dead[partition]))
            for partition, entries in enumerate(self.entries)
            if entries
        }

    @cached_property
    def expected(self) -> Expected:
        """What the oracle says must be stored."""
        events = [event for event, reason in self._lines.values() if event is not None and not reason]
        law = LAW if self.own_ruling else built_in_law(TIME_ZONE)
        return expected(events, partitions=self.partitions, terms=self.terms, time_zone=TIME_ZONE, law=law)

    @cached_property
    def _lines(self) -> dict[tuple[int, int, int], tuple[Event | None, str]]:
        capacity = Capacity(self.numbered)
        return {
            (partition, offset, index): (line.event, self._reason(partition, entry, line, capacity))
            for partition, entries in enumerate(self.entries)
            for offset, entry in enumerate(entries)
            if not entry.empty
            for index, line in enumerate(entry.lines or (Line(b"", reason="empty"),))
        }

    def _reason(self, partition: int, entry: Entry, line: Line, capacity: Capacity) -> str:
        if line.event is None:
            return line.reason
        if _latest(line.event) > _at(entry.timestamp) + _AHEAD:
            return "future"
        if partition_of(line.event.dossier, self.partitions) != partition:
            return "misplaced"
        return "" if capacity.takes(line.event) else "full"


def random_log(seed: int) -> Log:
    """A log of few dossiers, agencies and windows, so that events meet; with repeats, corrections and broken lines."""
    random = Random(seed)
    partitions = random.choice((2, 3))
    pool = _pool()
    # The logs of other seeds stay what they were when seeds were chosen that find out what is wrong.
    is_about_terms = seed % 7 in (0, 1)
    entries = []
    for partition in range(partitions):
        ours = [dossier for dossier in DOSSIERS if partition_of(dossier, partitions) == partition]
        ours = random.sample(ours, min(len(ours), random.randint(1, 4)))
        earlier: list[Line] = []
        of_partition = []
        for _ in range(random.randint(4, 8)):
            lines = tuple([_line(random, pool, ours, earlier) for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 4)))])
            earlier += lines
            of_partition.append(Entry(_timestamp(random), lines))
        if is_about_terms:
            of_partition = list(_with_terms(Random(f"{seed} {partition} terms"), of_partition, ours))
        entries.append(tuple(_with_gaps(Random(f"{seed} {partition}"), of_partition)))
    terms: Terms = random.choice(("instant", "date"))
    numbered = random.choice((1, 2, 3, MAX_NUMBERED))
    if is_about_terms:
        numbered = max(numbered, _FEW_NUMBERS)
    return Log(tuple(entries), terms, numbered, own_ruling=is_about_terms or seed % 2 == 0)


def _with_terms(random: Random, entries: Sequence[Entry], ours: Sequence[str]) -> Iterator[Entry]:
    """The records, most of them with lines more that move or end a term; two dossiers have nearly all of these."""
    pool = _term_pool()
    for entry in entries:
        more = [random.choice(pool[random.choice(ours[:2])]) for _ in range(random.choice((0, 1, 2, 2, 3)))]
        yield structs.replace(entry, lines=(*entry.lines, *more))


@cache
def partition_of(dossier: str, partitions: int) -> int:
    """The partition of a dossier, as the broker's clients compute it."""
    return int(murmur2(dossier.encode()) & 0x7FFFFFFF) % partitions


def _with_gaps(random: Random, entries: Sequence[Entry]) -> Iterator[Entry]:
    """The records with empty offsets among them; often the log begins or ends with some."""
    for entry in (*entries, None):
        for _ in range(random.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 2))):
            yield Entry(0, (), empty=True)
        if entry is not None:
            yield entry


def _line(random: Random, pool: Mapping[str, Sequence[Line]], ours: Sequence[str], earlier: Sequence[Line]) -> Line:
    chance = random.random()
    if chance < 0.12 and earlier:
        return random.choice(earlier)
    if chance < 0.17:
        return random.choice(_POISON)
    if chance < 0.20:
        return random.choice(pool[random.choice(DOSSIERS)])  # perhaps another partition's
    dossier = random.choice(ours)
    lines = pool[dossier]
    if random.random() < 0.6 and not any(line.event is not None and line.event.dossier == dossier for line in earlier):
        return random.choice([line for line in lines[:40] if isinstance(line.event, kinds.Received)])
    return random.choice(lines)


def _timestamp(random: Random) -> int:
    """The broker's clock, which jumps: now and then to a time at which some or all of the events lie ahead."""
    chance = random.random()
    if chance < 0.04:
        at = _MORNING + timedelta(minutes=random.randint(-60, -45))
    elif chance < 0.05:
        return random.choice((-1, 0, 10**18))
    else:
        at = _MONTHS_LATER + timedelta(minutes=random.choice((0, 0, 5, -5, 60 * 24 * 30, -60 * 24 * 30)))
    return round(at.timestamp() * 1000)


_POISON = (
    Line(b"{", reason="malformed"),
    Line(b"\xff\x00", reason="malformed"),
    Line(b"[]", reason="invalid"),
    Line(b'{"kind":"abolished","id":"x"}', reason="unknown_kind"),
    Line(b'{"kind":"resolved","id":"x","dossier":"D1","source":"s"}', reason="invalid"),
)


@cache
def _pool() -> dict[str, list[Line]]:
    """Lines of every dossier, made and encoded once; the same in every process."""
    random = Random(0)
    return {dossier: [_of(random_event(random, dossier)) for _ in range(_POOL)] for dossier in DOSSIERS}


@cache
def _term_pool() -> dict[str, list[Line]]:
    random = Random(1)
    return {dossier: [_of(random_term_event(random, dossier, _MORNING)) for _ in range(_POOL)] for dossier in DOSSIERS}


def _of(event: Event) -> Line:
    return Line(encode_event(event), event)


def random_event(random: Random, dossier: str) -> Event:
    """An event in one of three windows that says something that counts; some share an id and contradict each other."""
    occurred = _MORNING + timedelta(minutes=random.choice((0, 0, 0, 5, 10)), seconds=random.randrange(60))
    agency = random.choice(("H01", "H01", "H02"))
    kind, fields = random.choice(
        (
            (kinds.Received, {"agency": agency, "channel": "online", "fee_bearing": True}),
            (kinds.Received, {"agency": agency}),
            (kinds.Received, {"agency": agency, "channel": "postal"}),
            (kinds.Received, {"agency": agency}),
            (kinds.FeedbackReceived, {"agency": agency}),
            (kinds.Transferred, {"agency": agency}),
            (kinds.Transferred, {"agency": agency}),
            (kinds.Assigned, {"agency": agency}),
            (kinds.TermSet, {"term": _MORNING + timedelta(minutes=7)}),
            (kinds.Extended, {"term": _MORNING + timedelta(minutes=12), "number": random.randint(1, 2)}),
            (kinds.SupplementRequested, {"number": random.randint(1, 2)}),
            (kinds.Progressed, {"step": random.choice(("intake", "review"))}),
            (kinds.Resolved, {"e_result": random.random() < 0.5}),
            (kinds.Resolved, {}),
            (kinds.Withdrawn, {}),
            (kinds.Returned, {}),
            (kinds.Reopened, {}),
            (kinds.Voided, {"voided": random.random() < 0.4}),
            (kinds.Amended, {"received_at": _MORNING + timedelta(minutes=5)}),
            (kinds.Amended, {"agency": "H02", "channel": "postal"}),
            (kinds.Paid, {"transaction": random.choice("ab"), "amount": random.randint(1, 9), "method": "online"}),
            (kinds.Refunded, {"transaction": random.choice("ab"), "amount": random.randint(1, 9)}),
            (kinds.Digitised, {"components": 3, "digitised": random.randint(0, 3)}),
            (kinds.Rated, {"satisfied": random.random() < 0.5}),
        )
    )
    header: dict[str, Any] = {
        "id": f"e{random.randrange(10**6)}" if random.random() < 0.9 else f"c{random.randrange(3)}",
        "dossier": dossier,
        "source": "simulation",
        "occurred_at": occurred,
        "seq": random.randrange(9),
    }
    if kind in (kinds.Progressed, kinds.Assigned) and (official := occurred.second % 3):
        header["official"] = f"CB-{official}"
    if random.random() < 0.3:
        header["recorded_at"] = _MORNING + timedelta(minutes=random.choice((0, 5, 20, 60 * 24)))
    return kind(**header, **fields)


def _value(entry: Entry) -> bytes | None:
    return b"\n".join([line.content for line in entry.lines]) if entry.lines else None


def _latest(event: Event) -> datetime:
    """The latest time that it says something happened or was recorded."""
    amended = event.received_at if isinstance(event, kinds.Amended) else None
    return max(event.occurred_at, event.recorded_at or _NEVER, amended or _NEVER)


def _at(timestamp: int) -> datetime:
    """The time of a record, of the years that counting takes for possible."""
    earliest, latest = 946_684_800_000, 4_102_444_799_999
    return datetime.fromtimestamp(min(max(timestamp, earliest), latest) / 1000, UTC)
