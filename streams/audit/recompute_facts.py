"""Facts against raw events: each row of facts is recomputed as of its own position."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from clickhouse_driver import Client
from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from schemas.tables import FACTS
from streams.audit.cutoff import Cut
from streams.audit.findings import FactsDifference
from streams.audit.raw_events import Part, RawEvent, may_have_replaced, read_raw_events, stream_rows
from streams.audit.verdict_stretches import Columns, wrong_stretches
from streams.counting.contributions import contributions
from streams.counting.facts import facts_of
from streams.counting.registers import Register, pack, updates
from streams.counting.rows import facts_row
from streams.counting.store_interface import Stored
from streams.on_time.ruling import Ruling

_Row: TypeAlias = tuple[Any, ...]
_POS = list(FACTS.columns).index("pos")
_PARTITION = list(FACTS.columns).index("partition")
_NUMBER = list(FACTS.columns).index("number")


class PendingCase(Struct, frozen=True):
    """A case that was beyond the cut: its partition, the position to wait for, and its row at that moment."""

    partition: int
    pos: int
    row: _Row | None = None


class CaseResults(Struct):
    """What was found of some cases; those in `pending` must be checked again behind a later cut."""

    dossiers: int = 0
    events: int = 0
    conflicts: int = 0
    differences: list[FactsDifference] = []
    pending: dict[str, PendingCase] = {}
    windows: set[tuple[str, int, int]] = set()
    """The windows that these cases count in, where they were asked for: agency, start, partition."""


class CaseCheck:
    """Checks cases; `with_windows` also collects the windows in which they count."""

    def __init__(
        self, clickhouse: ClickHouseConnection, profile: Profile, ruling: Ruling, *, with_windows: bool = False
    ) -> None:
        self._clickhouse = clickhouse
        self._profile = profile
        self._ruling = ruling
        self._with_windows = with_windows

    def run(self, client: Client, part: Part, cut: Cut, pending: Mapping[str, PendingCase], found: CaseResults) -> None:
        """Check these cases against a cut that was read before; `pending` are those of an earlier check.

        A row at or before the cut is the state as of the cut, whatever is counted meanwhile. A row beyond it becomes
        pending, and is compared once the cut has passed it. Raises what the driver does.
        """
        columns = ", ".join(_as_integers(name, kind) for name, kind in FACTS.columns.items())
        sql = f"SELECT {columns} FROM facts FINAL WHERE {part.where} ORDER BY dossier"  # noqa: S608  # our names
        doubtful: dict[str, tuple[PendingCase, list[FactsDifference]]] = {}
        with (
            closing(stream_rows(self._clickhouse, sql, part)) as facts,
            closing(read_raw_events(self._clickhouse, part)) as events,
        ):
            for dossier, of_dossier, row in _merged(events, facts):
                name = dossier.decode()
                if row is not None and row[_POS] > cut.of(row[_PARTITION]):
                    # A case that changes at each check is compared by the row of an earlier one, as of its position.
                    kept = pending[name].row or row if name in pending else row
                    if kept[_POS] > cut.of(kept[_PARTITION]):
                        found.pending[name] = PendingCase(kept[_PARTITION], kept[_POS], kept)
                        continue
                    differences, beyond = self._compare(name, of_dossier, kept, cut, kept[_POS], found)
                    if differences and beyond:
                        # An event after that row may have replaced one before it: the newer row is compared next.
                        found.pending[name] = PendingCase(row[_PARTITION], row[_POS], row)
                    else:
                        found.differences += differences
                    continue
                differences, beyond = self._compare(name, of_dossier, row, cut, None, found)
                if differences and beyond:
                    doubtful[name] = PendingCase(beyond.partition, beyond.pos), differences
                else:
                    found.differences += differences
        self._settle(client, doubtful, cut, found)

    def _settle(
        self,
        client: Client,
        doubtful: dict[str, tuple[PendingCase, list[FactsDifference]]],
        cut: Cut,
        found: CaseResults,
    ) -> None:
        """Report cases that differ, unless an event beyond the cut may have replaced one before it."""
        unsure = may_have_replaced(client, Part("dossier IN asked", {}, list(doubtful)), cut) if doubtful else ()
        for name, (pending, differences) in doubtful.items():
            if name in unsure:
                found.pending[name] = pending
            else:
                found.differences += differences

    def _compare(
        self, name: str, events: Iterable[RawEvent], row: _Row | None, cut: Cut, until: int | None, found: CaseResults
    ) -> tuple[list[FactsDifference], RawEvent | None]:
        """How the row differs from its events up to the cut, or up to `until`; and the last event beyond that."""
        found.dossiers += 1
        registers: dict[str, Register] = {}
        beyond = None
        for event in events:
            found.events += event.is_next
            found.conflicts += event.is_conflict
            if event.pos <= (cut.of(event.partition) if until is None else until):
                registers.update(updates(registers, event.register))
            elif beyond is None or beyond.pos < event.pos:
                beyond = event
        return self._differences(name, registers, row, found), beyond

    def _differences(
        self, name: str, registers: dict[str, Register], row: _Row | None, found: CaseResults
    ) -> list[FactsDifference]:
        if not registers and row is None:
            return []
        if not registers or row is None:
            return [FactsDifference(name, "dossier", *(("missing", name) if row is None else (name, "missing")))]
        facts = facts_of(registers, self._ruling)
        if self._with_windows:
            found.windows.update((*window, row[_PARTITION]) for window in contributions(facts, self._profile))
        stored = Stored(row[_POS], pack(registers), row[_NUMBER])
        recomputed = facts_row(name, row[_PARTITION], stored, facts, self._profile)
        differences = [
            FactsDifference(name, column, _text(is_), _text(should))
            for column, is_, should in zip(FACTS.columns, row, recomputed, strict=True)
            if is_ != should and _comparable(is_) != _comparable(should)
        ]
        if not differences and (
            wrong := wrong_stretches(_verdicts_of(row), registers, self._ruling, self._profile.zone)
        ):
            differences.append(FactsDifference(name, "verdicts", *wrong))
        return differences


_COLUMNS_OF_VERDICTS = itemgetter(*map(list(FACTS.columns).index, Columns._fields))


def _verdicts_of(row: _Row) -> Columns:
    kind, voided, received_at, term, outcome, *others = _COLUMNS_OF_VERDICTS(row)
    return Columns(kind.decode(), voided, received_at, term, outcome.decode(), *others)


def _as_integers(column: str, kind: str) -> str:
    if "DateTime64" not in kind:
        return column
    if kind.startswith("Array"):
        return f"arrayMap(at -> toUnixTimestamp64Micro(at), {column})"
    return f"toUnixTimestamp64Micro({column})"


def _merged(
    events: Iterator[tuple[bytes, RawEvent]], facts: Iterator[_Row]
) -> Iterator[tuple[bytes, Iterator[RawEvent], _Row | None]]:
    """Events and facts, dossier by dossier; both come in the order of the dossiers' bytes."""
    row = next(facts, None)
    for dossier, group in groupby(events, key=lambda pair: pair[0]):
        while row is not None and row[0] < dossier:
            yield row[0], iter(()), row
            row = next(facts, None)
        found = row if row is not None and row[0] == dossier else None
        yield dossier, (event for _, event in group), found
        if found is not None:
            row = next(facts, None)
    while row is not None:
        yield row[0], iter(()), row
        row = next(facts, None)


def _comparable(value: object) -> object:
    if isinstance(value, str):
        return value.encode()
    return list(value) if isinstance(value, tuple) else value


def _text(value: object) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
