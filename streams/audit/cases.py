"""Every fact again from raw events, as of the position that the row claims."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import groupby
from typing import Any, TypeAlias

from clickhouse_driver import Client
from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.profile import Profile
from schemas.tables import FACTS
from streams.audit.cut import Cut
from streams.audit.findings import FactsDifference
from streams.audit.raw_events import Part, Said, replacing, rows, said
from streams.counting.contributions import contributions
from streams.counting.facts import facts_of
from streams.counting.registers import Register, news, pack
from streams.counting.rows import facts_row
from streams.counting.store import Stored

_Row: TypeAlias = tuple[Any, ...]
_POS = list(FACTS.columns).index("pos")
_PARTITION = list(FACTS.columns).index("partition")
_NUMBER = list(FACTS.columns).index("number")


class Moving(Struct, frozen=True):
    """A case that moved while it was looked at: its partition, the position to wait for, and its row as it was seen."""

    partition: int
    pos: int
    row: _Row | None = None


class Looked(Struct):
    """What was found of some cases; those in `moving` are to be looked at again, later."""

    dossiers: int = 0
    events: int = 0
    conflicts: int = 0
    differences: list[FactsDifference] = []
    moving: dict[str, Moving] = {}
    windows: set[tuple[str, int, int]] = set()
    """The windows that these cases count in, where they were asked for: agency, start, partition."""


class Cases:
    """Looks at cases. `with_windows` also tells in which windows they count."""

    def __init__(self, clickhouse: ClickHouseConnection, profile: Profile, *, with_windows: bool = False) -> None:
        self._clickhouse = clickhouse
        self._profile = profile
        self._with_windows = with_windows

    def look(self, client: Client, part: Part, cut: Cut, before: Mapping[str, Moving], found: Looked) -> None:
        """Look at these cases; the cut was read before, and `before` is what was seen of those that moved then.

        A row at or before the cut is the state as of the cut, whatever comes meanwhile. One beyond it is kept, and
        looked at once the cut has passed it. Raises what the driver does.
        """
        columns = ", ".join(_as_integers(name, kind) for name, kind in FACTS.columns.items())
        sql = f"SELECT {columns} FROM facts FINAL WHERE {part.where} ORDER BY dossier"  # noqa: S608  # our names
        doubtful: dict[str, tuple[Moving, list[FactsDifference]]] = {}
        with (
            closing(rows(self._clickhouse, sql, part)) as facts,
            closing(said(self._clickhouse, part)) as events,
        ):
            for dossier, of_dossier, row in _merged(events, facts):
                name = dossier.decode()
                if row is not None and row[_POS] > cut.of(row[_PARTITION]):
                    # One that moves each time is certain all the same, as it was seen before and as of its position.
                    kept = before[name].row or row if name in before else row
                    if kept[_POS] > cut.of(kept[_PARTITION]):
                        found.moving[name] = Moving(kept[_PARTITION], kept[_POS], kept)
                        continue
                    differences, beyond = self._compare(name, of_dossier, kept, cut, kept[_POS], found)
                else:
                    differences, beyond = self._compare(name, of_dossier, row, cut, None, found)
                if differences and beyond:
                    doubtful[name] = Moving(beyond.partition, beyond.pos), differences
                else:
                    found.differences += differences
        self._settle(client, doubtful, cut, found)

    def _settle(
        self, client: Client, doubtful: dict[str, tuple[Moving, list[FactsDifference]]], cut: Cut, found: Looked
    ) -> None:
        """What differs, and has events beyond: it counts, unless one of these may have replaced what was before."""
        maybe = replacing(client, Part("dossier IN asked", {}, list(doubtful)), cut) if doubtful else ()
        for name, (moving, differences) in doubtful.items():
            if name in maybe:
                found.moving[name] = moving
            else:
                found.differences += differences

    def _compare(
        self, name: str, events: Iterable[Said], row: _Row | None, cut: Cut, until: int | None, found: Looked
    ) -> tuple[list[FactsDifference], Said | None]:
        """How the row differs from its events up to the cut, or to `until`; and the last event beyond."""
        found.dossiers += 1
        registers: dict[str, Register] = {}
        beyond = None
        for event in events:
            found.events += event.is_next
            found.conflicts += event.is_conflict
            if event.pos <= (cut.of(event.partition) if until is None else until):
                registers.update(news(registers, event.register))
            elif beyond is None or beyond.pos < event.pos:
                beyond = event
        return self._differences(name, registers, row, found), beyond

    def _differences(
        self, name: str, registers: dict[str, Register], row: _Row | None, found: Looked
    ) -> list[FactsDifference]:
        if not registers and row is None:
            return []
        if not registers or row is None:
            return [FactsDifference(name, "dossier", *(("missing", name) if row is None else (name, "missing")))]
        facts = facts_of(registers)
        if self._with_windows:
            found.windows.update((*window, row[_PARTITION]) for window in contributions(facts, self._profile))
        stored = Stored(row[_POS], pack(registers), row[_NUMBER])
        recomputed = facts_row(name, row[_PARTITION], stored, facts, self._profile)
        return [
            FactsDifference(name, column, _text(is_), _text(should))
            for column, is_, should in zip(FACTS.columns, row, recomputed, strict=True)
            if is_ != should and _comparable(is_) != _comparable(should)
        ]


def _as_integers(column: str, kind: str) -> str:
    if "DateTime64" not in kind:
        return column
    if kind.startswith("Array"):
        return f"arrayMap(at -> toUnixTimestamp64Micro(at), {column})"
    return f"toUnixTimestamp64Micro({column})"


def _merged(
    events: Iterator[tuple[bytes, Said]], facts: Iterator[_Row]
) -> Iterator[tuple[bytes, Iterator[Said], _Row | None]]:
    """Both sides dossier by dossier; they come in the order of the dossiers' bytes."""
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
