"""The batch core: records in, rows out, exactly once by construction.

Every row it makes is absolute and carries a position: it equals the state after some prefix of the partition's log. A
greater position replaces a smaller one whoever wrote it, so crashes, replays and zombies can only repeat what is right.
The rules it follows, and why each is needed, are in docs/architecture.md, “Exactly once”.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import compress, groupby
from typing import TypeAlias

import msgspec
from msgspec import Struct, structs

from schemas.dead_letter import DeadLetter, dead_letter
from schemas.envelope import Decoded, Rejection, decode
from schemas.events import MAX_NUMBERED
from schemas.partition import hashes_of
from schemas.profile import Profile
from schemas.tables import EVENTS, FACTS, WINDOWS
from streams.counting.case import Case
from streams.counting.column_block import Block
from streams.counting.contributions import Window
from streams.counting.dead_letter_limit import LIMIT, NOTHING, Limit, Seen, see
from streams.counting.deltas import change
from streams.counting.dossier_filter import Known
from streams.counting.facts import facts_of
from streams.counting.ledger import NO_RECORDS, Ledger, Numbers
from streams.counting.offset_gaps import is_lost
from streams.counting.packed_counters import Packed, packed, unpacked
from streams.counting.position import pack
from streams.counting.record import Record
from streams.counting.registers import Register, news, numbered_key, register_of
from streams.counting.registers import pack as pack_registers
from streams.counting.registers import unpack as unpack_registers
from streams.counting.rows import event_columns, facts_row, progress_row, window_row
from streams.counting.store import NO_RECORD, Last, Row, Store, Stored, WindowRow
from streams.errors import LostEvents, TooManyDeadLetters


class Identity(Struct, frozen=True):
    """What the counts are counted from and by: a topic in its epoch, its frozen partition count, and the rules."""

    topic: str
    partitions: int
    epoch: int
    profile: Profile


class Batch(Struct):
    """The rows a batch of records leads to; `streams.flush` says in which order they are written."""

    events: Block = msgspec.field(default_factory=partial(Block.of, EVENTS))
    windows: Block = msgspec.field(default_factory=partial(Block.of, WINDOWS))
    facts: Block = msgspec.field(default_factory=partial(Block.of, FACTS))
    progress: list[Row] = []
    dead: list[DeadLetter] = []
    is_last: bool = True
    """Whether it is the last one of the records that were taken together."""
    used: dict[int, tuple[int, int]] = {}
    """By partition, how many dossiers and windows it looked up: what is cached of them was used last."""


class _Counts(Struct, gc=False):
    """A window's row: the position of the last event in it, and its counters."""

    pos: int
    counts: Packed


class _Partition(Struct):
    """What is remembered of a partition, valid only as long as its offsets follow each other."""

    next_offset: int
    next_unseen: int
    """The first offset that neither the flood rule nor the ledger has seen."""
    seen: Seen
    newest: int
    """Start of the newest window that may be stored and not be cached: what is newer was never counted."""
    known: Known
    """What dossiers may be stored or cached: others have no facts."""
    last: Last
    """The last record that was counted: a hole is none."""
    ledger: Ledger
    numbers: Numbers
    facts: OrderedDict[str, Stored] = msgspec.field(default_factory=OrderedDict)
    windows: OrderedDict[Window, _Counts] = msgspec.field(default_factory=OrderedDict)


_Placed: TypeAlias = tuple[int, str, Register]
"""What an event says: at its position, of a dossier, this."""


class _Told(Struct):
    """The events of a record: the lines they are in, their columns, and the place of the first among all of the run."""

    record: Record
    first: int
    lines: Sequence[int]
    columns: list[Sequence[object]]


class _Run(Struct):
    """The records of one partition, and what becomes of them step by step, in one batch or in several."""

    records: list[Record]
    state: _Partition
    first: int
    """Position of the first event of the batch."""
    missing: list[str]
    """Dossiers that may be stored, whose facts are not in the cache."""
    placed: list[_Placed] = []
    told: list[_Told] = []
    begin: int = 0
    end: int = 0
    """The batch has the events from this place up to that one."""
    dossiers: int = 0
    """How many it is about."""
    changes: list[tuple[int, dict[Window, Packed]]] = []
    """What each event of the batch that changed something adds to the windows, in order."""
    windows: set[Window] = set()
    """The windows of these changes."""

    @property
    def partition(self) -> int:
        return self.records[0].partition

    @property
    def is_done(self) -> bool:
        return self.end == len(self.placed)

    def go_on(self) -> None:
        """Begin another batch where the last one ended; what that one has not kept in the cache is missing again."""
        self.begin = self.end
        self.first = self.placed[self.begin][0]
        self.missing = [
            dossier for dossier in {each[1] for each in self.placed[self.begin :]} if dossier not in self.state.facts
        ]
        self.dossiers, self.changes, self.windows = 0, [], set()


_NO_FACTS = Stored(0, pack_registers({}))
_EFFORT = 150_000
"""So many events and changes of windows take a few seconds, and some hundred MB."""
_BYTES_OF_EFFORT = 256
"""Registers that are read and written again take as long as an event that changes a window."""


class Counting:
    """Counts batches of records against a store, with bounded caches. One thread at a time may call it.

    `dossiers` and `windows` bound the caches, each partition's to its share; `trim` trims them, never within a batch.
    `effort` bounds what a batch may take, `numbered` the numbered registers of a case.
    """

    def __init__(
        self,
        identity: Identity,
        store: Store,
        *,
        dossiers: int = 150_000,
        windows: int = 100_000,
        flood: Limit = LIMIT,
        effort: int = _EFFORT,
        numbered: int = MAX_NUMBERED,
    ) -> None:
        self._identity = identity
        self._store = store
        self._flood = flood
        self._limits = dossiers, windows
        self._effort = effort
        self._numbered = numbered
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

    def count(self, records: Sequence[Record], settle: Callable[[], None], now: datetime) -> Iterator[Batch]:
        """The rows for these records, in one batch or, where they take long, in several; each is to be flushed in turn.

        Within each partition the offsets of the records follow each other. `settle` returns when every earlier batch is
        flushed; it is called only where the caches cannot be trusted. `now` is only written down, as the time of
        progress. Raises LostEvents where offsets are missing, and TooManyDeadLetters where too many lines
        cannot be counted.
        """
        batch = Batch()
        parts = groupby(sorted(records, key=_partition_of_record), key=_partition_of_record)
        runs = [self._read(list(part), settle, batch) for _, part in parts]
        while runs:
            # Facts of all before windows of any: facts must never be ahead of the windows they are combined with.
            self._load_facts(runs, settle)
            effort = 0
            for run in runs:
                effort = self._fold(run, batch, effort)
            self._load_windows(runs)
            for run in runs:
                self._apply(run, batch)
                batch.used[run.partition] = run.dossiers, len(run.windows)
                if run.is_done:
                    batch.progress.append(self._progress(run, now))
            left = [run for run in runs if not run.is_done]
            # The one that took all the effort comes last now: no partition waits for all that another one has.
            runs = left[1:] + left[:1]
            batch.is_last = not runs
            yield batch
            batch = Batch()
            for run in runs:
                run.go_on()

    def _progress(self, run: _Run, now: datetime) -> Row:
        """Note that the records of the run are counted to their end, and the row that says so."""
        end = run.records[-1]
        run.state.next_offset = end.offset + 1
        held = next((record for record in reversed(run.records) if not record.is_hole), None)
        last = run.state.last = Last(held.offset, held.published) if held else run.state.last
        ledger = structs.replace(run.state.ledger, dossiers=run.state.numbers.last)
        return progress_row(self._identity.topic, self._identity.epoch, end, now, run.state.seen, last, ledger)

    def trim(self, unflushed: Batch) -> None:
        """Evict the least recently used beyond the limits, except what this last batch has yet to write."""
        # Dossiers are spread evenly over partitions: each has its share, or the first would be emptied for all others.
        most_facts, most_windows = (limit // max(1, len(self._partitions)) for limit in self._limits)
        for partition, state in self._partitions.items():
            dossiers, windows = unflushed.used.get(partition, (0, 0))
            for _ in range(len(state.facts) - max(most_facts, dossiers)):
                state.facts.popitem(last=False)
            for _ in range(len(state.windows) - max(most_windows, windows)):
                (_, start), _ = state.windows.popitem(last=False)
                state.newest = max(state.newest, start)

    def _read(self, records: list[Record], settle: Callable[[], None], batch: Batch) -> _Run:
        """What the records of a partition say; their events and what is none are put on the batch."""
        state, first = self._follow(records, settle), pack(self._identity.epoch, records[0].first, 0)
        holding = [record for record in records if not record.is_hole]
        decoded = [decode(record.value, _published_at(record)) for record in holding]
        named = {event.dossier for each in decoded for _, event in each.events}
        strangers = [dossier for dossier in named if dossier not in state.facts]
        misplaced, missing = self._meet(state, strangers, records[0].partition)
        run = _Run(records, state, first, missing)
        for record, each in zip(holding, decoded, strict=True):
            lines = len(each.events) + len(each.rejections)
            if misplaced:
                each = _set_aside(each, record, misplaced)
            if each.events:
                offset = pack(self._identity.epoch, record.offset, 0)
                where, events = zip(*each.events, strict=True)
                said = list(map(register_of, events))
                columns = event_columns(record, where, events, said, self._identity.epoch)
                run.told.append(_Told(record, len(run.placed), where, columns))
                for line, event, register in zip(where, events, said, strict=True):
                    run.placed.append((offset + line, event.dossier, register))
            self._see(state, record, lines, each.rejections, batch)
        end = records[-1].offset + 1
        if end > state.next_unseen:
            # What the records end in is a hole; those between them are told by the next record.
            state.ledger = state.ledger.without(end - state.next_unseen)
            state.next_unseen = end
        return run

    def _follow(self, records: list[Record], settle: Callable[[], None]) -> _Partition:
        """The partition's caches, emptied where the records do not follow what was counted last."""
        first, partition = records[0].first, records[0].partition
        state = self._partitions.get(partition)
        if state is None or state.next_offset != first:
            settle()
            reached = self._store.read_reached(self._identity.topic).get(partition)
            expected = reached.offset + 1 if reached else 0
            if is_lost(expected, first):
                raise LostEvents(_lost(self._identity.topic, partition, expected, first))
            ledger = reached.ledger if reached else NO_RECORDS
            last, held = self._store.read_numbers(partition, reached.pos if reached else 0)
            # Of records that come again, what was seen is in what was seen of the log up to `expected`.
            state = self._partitions[partition] = _Partition(
                first,
                expected,
                reached.seen if reached else NOTHING,
                self._store.read_newest(partition),
                Known(self._store.read_known(partition), self._identity.partitions),
                reached.last if reached else NO_RECORD,
                ledger,
                Numbers(max(last, ledger.dossiers), held),
            )
        for record in records:
            if record.first != first:
                raise LostEvents(_lost(self._identity.topic, partition, first, record.first))
            first = record.offset + 1
        return state

    def _meet(self, state: _Partition, strangers: list[str], partition: int) -> tuple[set[str], list[str]]:
        """Those of these dossiers that belong to another partition, and those of ours that may be stored."""
        if not strangers:
            return set(), []
        hashes = hashes_of(strangers)
        ours = hashes % self._identity.partitions == partition
        misplaced = set() if ours.all() else set(compress(strangers, ~ours))
        known = state.known.may_hold(hashes) & ours
        state.facts.update(dict.fromkeys(compress(strangers, ours & ~known), _NO_FACTS))
        state.known.add(hashes)
        return misplaced, list(compress(strangers, known))

    def _bury(self, record: Record, rejections: Iterable[Rejection], batch: Batch) -> None:
        topic, published_at = self._identity.topic, _published_at(record)
        for rejection in rejections:
            batch.dead.append(dead_letter(topic, record.partition, record.offset, published_at, rejection))

    def _see(self, state: _Partition, record: Record, lines: int, rejections: list[Rejection], batch: Batch) -> None:
        """Put what is no event of this partition on the batch's dead letters; raises TooManyDeadLetters."""
        self._bury(record, rejections, batch)
        if record.offset >= state.next_unseen:
            dead = sorted(rejection.line for rejection in rejections)
            state.seen, flooded = see(state.seen, lines, dead, self._flood)
            state.ledger = state.ledger.after(record.offset - state.next_unseen)
            state.next_unseen = record.offset + 1
            if flooded:
                raise TooManyDeadLetters(self._flooded(record.partition, state.seen, batch.dead))

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

    def _load_facts(self, runs: Sequence[_Run], settle: Callable[[], None]) -> None:
        """Bring the facts of all dossiers spoken of into the caches."""
        missing = {dossier: run for run in runs for dossier in run.missing}
        if not missing:
            return
        found = self._store.read_facts(missing.keys())
        ahead = set()
        for dossier, run in missing.items():
            stored = run.state.facts[dossier] = found.get(dossier, _NO_FACTS)
            if stored.pos >= run.first:
                ahead.add(run.partition)
        for run in runs:
            if run.partition in ahead:
                # Somebody else wrote them: a crashed run of these very records, or an owner that lost the partition
                # and lives on. Facts must never be ahead of the windows they are combined with: read those again.
                settle()
                run.state.windows.clear()
                run.state.newest = self._store.read_newest(run.partition)

    def _fold(self, run: _Run, batch: Batch, effort: int) -> int:
        """Fold events into their dossiers' registers, and note what each changes in the windows.

        Goes on until the batch takes enough, from the `effort` that others took; returns what it takes then.
        """
        profile, facts, numbers, most = self._identity.profile, run.state.facts, run.state.numbers, self._numbered
        cases: dict[str, Case] = {}
        refused: dict[int, Register] = {}
        begin = end = run.begin
        for end, (pos, dossier, said) in enumerate(run.placed[begin:], begin + 1):
            if effort >= self._effort:
                end -= 1
                break
            effort += 1
            case = cases.get(dossier)
            if case is None:
                stored = facts[dossier]
                registers = unpack_registers(stored.registers) if stored.pos else {}
                case = cases[dossier] = Case(registers, stored.pos, stored.number)
                effort += len(stored.registers) // _BYTES_OF_EFFORT
            if case.number > numbers.last and news({}, said):
                numbers.reach(case.number)
            if len(case.registers) >= most and case.refuses(said, most):
                refused[end - 1] = said
                continue
            if pos <= case.pos:
                continue
            changed = news(case.registers, said)
            if not changed:
                continue
            if not case.pos:
                case.number = numbers.next()
            case.pos, case.changed = pos, True
            if delta := change(case, changed, said[3], profile):
                run.changes.append((pos, delta))
                run.windows.update(delta)
                effort += len(delta)
        run.end, run.dossiers = end, len(cases)
        self._tell(run, refused, batch)
        rows = []
        for dossier, case in cases.items():
            facts.move_to_end(dossier)
            if case.changed:
                stored = facts[dossier] = Stored(case.pos, pack_registers(case.registers), case.number)
                rows.append(facts_row(dossier, run.partition, stored, facts_of(case.registers), profile))
        batch.facts.extend(rows)
        return effort

    def _tell(self, run: _Run, refused: dict[int, Register], batch: Batch) -> None:
        """Put the events that were folded on the batch, and those that were refused on its dead letters."""
        for told in run.told:
            low, high = max(run.begin - told.first, 0), min(run.end - told.first, len(told.lines))
            if low >= high:
                continue
            kept = [at for at in range(low, high) if told.first + at not in refused] if refused else range(low, high)
            if len(kept) == len(told.lines):
                batch.events.extend_columns(told.columns)
                continue
            batch.events.extend_columns([[column[at] for at in kept] for column in told.columns])
            if len(kept) < high - low:
                content = (told.record.value or b"").split(b"\n")
                over = [(told.lines[at], refused.get(told.first + at)) for at in range(low, high)]
                rejections = [self._one_too_many(line, said, content[line]) for line, said in over if said]
                self._bury(told.record, rejections, batch)

    def _one_too_many(self, line: int, said: Register, content: bytes) -> Rejection:
        field = "transaction" if said[3] in ("paid", "refunded") else "number"
        detail = (
            f"the dossier has {self._numbered} payments, refunds, extensions and the like already, as many as are "
            f"counted of one: {numbered_key(said)!r:.200} would be one more"
        )
        return Rejection(line, "full", field, detail, content)

    def _load_windows(self, runs: Sequence[_Run]) -> None:
        """Bring all windows that change into the caches, most recently used last."""
        missing: dict[WindowRow, OrderedDict[Window, _Counts]] = {}
        for run in runs:
            windows, partition = run.state.windows, run.partition
            for window in run.windows:
                if window in windows:
                    windows.move_to_end(window)
                elif window[1] > run.state.newest:
                    windows[window] = _Counts(0, 0)
                else:
                    missing[*window, partition] = windows
        if not missing:
            return
        found = self._store.read_windows(missing.keys())
        for row, windows in missing.items():
            stored = found.get(row)
            windows[row[:2]] = _Counts(stored[0], packed(stored[1])) if stored else _Counts(0, 0)

    def _apply(self, run: _Run, batch: Batch) -> None:
        """Apply each change to the window rows that are older than it; every row it touches is written."""
        windows = run.state.windows
        touched: dict[Window, _Counts] = {}
        for pos, delta in run.changes:
            for window, amount in delta.items():
                row = windows[window]
                if pos > row.pos:
                    row.counts += amount
                    row.pos = pos
                    touched[window] = row
        batch.windows.extend(
            [window_row(window, run.partition, row.pos, unpacked(row.counts)) for window, row in touched.items()]
        )


def _published_at(record: Record) -> datetime:
    return datetime.fromtimestamp(record.published / 1000, UTC)


def _set_aside(decoded: Decoded, record: Record, misplaced: set[str]) -> Decoded:
    """The same without the events of these dossiers, which are rejected."""
    lines = (record.value or b"").split(b"\n")
    rejections = list(decoded.rejections)
    for line, event in decoded.events:
        if event.dossier in misplaced:
            detail = f"dossier = {event.dossier!r} belongs to another partition than {record.partition}"
            rejections.append(Rejection(line, "misplaced", "dossier", detail, lines[line]))
    return Decoded([(line, event) for line, event in decoded.events if event.dossier not in misplaced], rejections)


def _partition_of_record(record: Record) -> int:
    return record.partition


def _lost(topic: str, partition: int, expected: int, found: int) -> str:
    return (
        f"{topic} partition {partition} goes on at offset {found}, but {expected} is the next to count: the records "
        "between are gone from the broker or were skipped; nothing was counted past them"
    )
