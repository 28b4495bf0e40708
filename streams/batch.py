"""The batch core: records in, rows out, exactly once by construction.

Every row it makes is absolute and carries a position: it equals the state after some prefix of the partition's log. A
greater position replaces a smaller one whoever wrote it, so crashes, replays and zombies can only repeat what is right.
The rules it follows, and why each is needed, are in docs/architecture.md, “Exactly once”.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby

import msgspec
from msgspec import Struct

from schemas.counters import COUNTERS
from schemas.dead import DeadLetter, dead_letter
from schemas.envelope import Rejection, decode
from schemas.events import AnyEvent
from schemas.partition import partition_of
from schemas.profile import Profile
from streams.counters import Contributions, Window, contributions, difference
from streams.errors import Flooded, LostEvents
from streams.facts import Facts, facts_of
from streams.flood import LIMIT, NOTHING, Limit, Seen, see
from streams.position import pack
from streams.record import Record
from streams.registers import Registers, fold
from streams.registers import pack as pack_registers
from streams.registers import unpack as unpack_registers
from streams.rows import event_row, facts_row, progress_row, window_row
from streams.store import Row, Store, Stored


class Identity(Struct, frozen=True):
    """What the counts are counted from and by: a topic in its epoch, its frozen partition count, and the rules."""

    topic: str
    partitions: int
    epoch: int
    profile: Profile


class Batch(Struct):
    """The rows a batch of records leads to; `streams.flush` says in which order they are written."""

    events: list[Row] = []
    windows: list[Row] = []
    facts: list[Row] = []
    progress: list[Row] = []
    dead: list[DeadLetter] = []


class _Counts(Struct):
    """A window's row: the position of the last event in it, and its counters."""

    pos: int
    counts: list[int]


class _Partition(Struct):
    """What is remembered of a partition, valid only as long as its offsets follow each other."""

    next_offset: int
    next_unseen: int
    """The first offset that the flood rule has not seen."""
    seen: Seen
    facts: OrderedDict[str, Stored] = msgspec.field(default_factory=OrderedDict)
    windows: OrderedDict[Window, _Counts] = msgspec.field(default_factory=OrderedDict)


class _Case(Struct):
    """A case while a batch is folded into it; `facts` are None until an event of the batch changes it."""

    pos: int
    registers: Registers
    facts: Facts | None = None


class _Placed(Struct, frozen=True, gc=False):
    """An event at its position."""

    pos: int
    event: AnyEvent


_NO_FACTS = Stored(0, pack_registers({}))
_INDEX = {counter: index for index, counter in enumerate(COUNTERS)}


class Counting:
    """Counts batches of records against a store, with bounded caches. One thread at a time may call it.

    `dossiers` and `windows` bound the caches over all partitions; they are trimmed by `trim`, never within a batch.
    """

    def __init__(
        self,
        identity: Identity,
        store: Store,
        *,
        dossiers: int = 500_000,
        windows: int = 500_000,
        flood: Limit = LIMIT,
    ) -> None:
        self._identity = identity
        self._store = store
        self._flood = flood
        self._limits = dossiers, windows
        self._partitions: dict[int, _Partition] = {}

    @property
    def cached(self) -> dict[str, int]:
        """How many rows are remembered, by what they are of."""
        return {
            "dossiers": sum(len(state.facts) for state in self._partitions.values()),
            "windows": sum(len(state.windows) for state in self._partitions.values()),
        }

    def forget(self, partitions: Iterable[int]) -> None:
        """Drop what is cached of these partitions; all earlier batches must be flushed."""
        for partition in partitions:
            self._partitions.pop(partition, None)

    def count(self, records: Sequence[Record], settle: Callable[[], None], now: datetime) -> Batch:
        """The rows for these records; within each partition their offsets follow each other.

        `settle` returns when every earlier batch is flushed; it is called only where the caches cannot be trusted.
        `now` is only written down, as the time of progress. Raises LostEvents where offsets are missing, and Flooded
        where too many lines cannot be counted.
        """
        batch = Batch()
        for _, run in groupby(sorted(records, key=_partition_of_record), key=_partition_of_record):
            self._count_partition(list(run), settle, now, batch)
        return batch

    def trim(self, unflushed: Batch) -> None:
        """Evict the least recently used beyond the limits, except what this last batch has yet to write."""
        dossiers = {row[0] for row in unflushed.facts}
        windows = {(row[0], row[1], row[2]) for row in unflushed.windows}
        held_facts = sum(len(state.facts) for state in self._partitions.values()) - self._limits[0]
        held_windows = sum(len(state.windows) for state in self._partitions.values()) - self._limits[1]
        for partition, state in self._partitions.items():
            while held_facts > 0 and state.facts and next(iter(state.facts)) not in dossiers:
                state.facts.popitem(last=False)
                held_facts -= 1
            while held_windows > 0 and state.windows and (*next(iter(state.windows)), partition) not in windows:
                state.windows.popitem(last=False)
                held_windows -= 1

    def _count_partition(self, records: list[Record], settle: Callable[[], None], now: datetime, batch: Batch) -> None:
        partition = records[0].partition
        state = self._follow(partition, records, settle)
        placed = [placed for record in records for placed in self._decode(state, record, batch)]
        first = pack(self._identity.epoch, records[0].offset, 0)
        self._load_facts(state, {item.event.dossier for item in placed}, first, settle)
        self._apply(partition, state, self._fold(partition, state, placed, batch), batch)
        last = records[-1]
        state.next_offset = last.offset + 1
        batch.progress.append(progress_row(self._identity.topic, self._identity.epoch, last, now, state.seen))

    def _follow(self, partition: int, records: list[Record], settle: Callable[[], None]) -> _Partition:
        """The partition's caches, emptied where the records do not follow what was counted last."""
        first = records[0].offset
        state = self._partitions.get(partition)
        if state is None or state.next_offset != first:
            settle()
            reached = self._store.read_reached(self._identity.topic).get(partition)
            expected = reached.offset + 1 if reached else 0
            if first > expected:
                raise LostEvents(_lost(self._identity.topic, partition, expected, first))
            # Of records that come again, what was seen is in what was seen of the log up to `expected`.
            state = self._partitions[partition] = _Partition(first, expected, reached.seen if reached else NOTHING)
        for offset, record in enumerate(records, first):
            if record.offset != offset:
                raise LostEvents(_lost(self._identity.topic, partition, offset, record.offset))
        return state

    def _decode(self, state: _Partition, record: Record, batch: Batch) -> Iterator[_Placed]:
        """The record's events; what is not one is put on the batch's dead letters."""
        published_at = datetime.fromtimestamp(record.published / 1000, UTC)
        decoded = decode(record.value, published_at)
        rejections = decoded.rejections
        count = len(decoded.events) + len(rejections)
        lines: list[bytes] = []
        for line, event in decoded.events:
            if event.dossier not in state.facts and (
                partition_of(event.dossier, self._identity.partitions) != record.partition
            ):
                detail = f"dossier = {event.dossier!r} belongs to another partition than {record.partition}"
                lines = lines or (record.value or b"").split(b"\n")
                rejections.append(Rejection(line, "misplaced", "dossier", detail, lines[line]))
                continue
            batch.events.append(event_row(event, record, line))
            yield _Placed(pack(self._identity.epoch, record.offset, line), event)
        for rejection in rejections:
            batch.dead.append(
                dead_letter(self._identity.topic, record.partition, record.offset, published_at, rejection)
            )
        if record.offset >= state.next_unseen:
            dead = sorted(rejection.line for rejection in rejections)
            state.seen, flooded = see(state.seen, count, dead, self._flood)
            state.next_unseen = record.offset + 1
            if flooded:
                raise Flooded(self._flooded(record.partition, state.seen, batch.dead))

    def _flooded(self, partition: int, seen: Seen, letters: list[DeadLetter]) -> str:
        ours = [letter for letter in letters if letter.partition == partition]
        reasons = Counter(letter.reason for letter in ours).most_common(3)
        return (
            f"{self._identity.topic} partition {partition} is flooded: {seen.dead} of {seen.lines} lines cannot be "
            f"counted, DOSSIER_DEAD_RATIO={self._flood.ratio:g} allows {self._flood.allowed} in "
            f"DOSSIER_DEAD_LINES={self._flood.lines}. At offsets {ours[0].offset} to {ours[-1].offset}: "
            f"{', '.join(f'{count} {reason}' for reason, count in reasons)}. Nothing of these offsets was put aside or "
            "acknowledged. Mend the producer, or run a worker that knows what it sends; then start again, with a "
            "higher DOSSIER_DEAD_RATIO if these lines are to become dead letters (`dossier dead-letters` lists and "
            "replays them)"
        )

    def _load_facts(self, state: _Partition, dossiers: set[str], first: int, settle: Callable[[], None]) -> None:
        """Bring these dossiers' facts into the cache, most recently used last."""
        for dossier in dossiers & state.facts.keys():
            state.facts.move_to_end(dossier)
        missing = dossiers - state.facts.keys()
        if not missing:
            return
        found = self._store.read_facts(missing)
        for dossier in missing:
            state.facts[dossier] = found.get(dossier, _NO_FACTS)
        if any(stored.pos >= first for stored in found.values()):
            # Somebody else wrote them: a crashed run of these very records, or an owner that lost the partition and
            # lives on. Facts must never be ahead of the windows they are combined with, so read those again.
            settle()
            state.windows.clear()

    def _fold(
        self, partition: int, state: _Partition, placed: list[_Placed], batch: Batch
    ) -> list[tuple[int, Contributions]]:
        """Fold the events into their dossiers' facts; what each changed in the windows, in order."""
        changes: list[tuple[int, Contributions]] = []
        open_cases: dict[str, _Case] = {}
        profile = self._identity.profile
        for item in placed:
            dossier = item.event.dossier
            case = open_cases.get(dossier)
            if case is None:
                stored = state.facts[dossier]
                case = open_cases[dossier] = _Case(stored.pos, unpack_registers(stored.registers))
            if item.pos <= case.pos:
                continue
            registers = fold(case.registers, item.event)
            if registers is case.registers:
                continue
            before = case.facts or facts_of(case.registers)
            case.pos, case.registers, case.facts = item.pos, registers, facts_of(registers)
            if delta := difference(contributions(case.facts, profile), contributions(before, profile)):
                changes.append((item.pos, delta))
        for dossier, case in open_cases.items():
            if case.facts is not None:
                stored = state.facts[dossier] = Stored(case.pos, pack_registers(case.registers))
                batch.facts.append(facts_row(dossier, partition, stored, case.facts, profile))
        return changes

    def _apply(self, partition: int, state: _Partition, changes: list[tuple[int, Contributions]], batch: Batch) -> None:
        """Apply each change to the window rows that are older than it; every row it touches is written."""
        named = {window for _, delta in changes for window in delta}
        for window in named & state.windows.keys():
            state.windows.move_to_end(window)
        if missing := named - state.windows.keys():
            found = self._store.read_windows(partition, missing)
            for window in missing:
                pos, counts = found.get(window, (0, [0] * len(COUNTERS)))
                state.windows[window] = _Counts(pos, counts)
        touched: dict[Window, _Counts] = {}
        for pos, delta in changes:
            for window, counters in delta.items():
                row = state.windows[window]
                if pos > row.pos:
                    for counter, amount in counters.items():
                        row.counts[_INDEX[counter]] += amount
                    row.pos = pos
                    touched[window] = row
        batch.windows.extend(window_row(window, partition, row.pos, row.counts) for window, row in touched.items())


def _partition_of_record(record: Record) -> int:
    return record.partition


def _lost(topic: str, partition: int, expected: int, found: int) -> str:
    return (
        f"{topic} partition {partition} goes on at offset {found}, but {expected} is the next to count: the records "
        "between are gone from the broker or were skipped; nothing was counted past them"
    )
