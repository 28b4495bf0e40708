"""The verdict: compares what is stored with what the oracle expects, every column and every counter."""

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any, TypeAlias
from zlib import crc32

import msgspec
from clickhouse_driver.errors import Error
from msgspec import Struct

from chaos.memory_store import MemoryStore
from chaos.oracle.case import Case
from chaos.oracle.event_content import digest
from chaos.oracle.expected_rows import EventKey, Expected, WindowKey
from chaos.stored_standing import wrong_standing
from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.instant import from_micros
from schemas.tables import EVENTS, FACTS, WINDOWS, Table
from streams.counting.store_interface import Row
from streams.storage.clickhouse_client import connect, explain

_EXAMPLES = 5
"""Examples of each kind of difference; the numbers include all."""

Counts: TypeAlias = dict[str, int]


class Stored(Struct, frozen=True):
    """The stored rows, as FINAL returns them: strings as text, instants in microseconds, windows in seconds."""

    facts: Iterable[tuple[str, Case]]
    windows: Iterable[tuple[WindowKey, Counts]]
    events: Iterable[EventKey]


class Verdict(Struct, frozen=True):
    """How many cases' facts and how many windows differ from the expected ones; `examples` are some of them.

    `lost` are events that are not stored and units missing in counters, `doubled` stored events that were never sent
    and excess units in counters. All are zero where the counts are exact.
    """

    facts: int
    windows: int
    lost: int
    doubled: int
    examples: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether nothing differs."""
        return not (self.facts or self.windows or self.lost or self.doubled)


def judge(expected: Expected, stored: Stored, *, thoroughly: bool = True) -> Verdict:
    """Compare both; stored rows are read once, one by one, and never kept.

    How cases stand is compared at every instant at which it may change, which takes milliseconds. So of many cases, if
    not `thoroughly`, some hundreds are asked, most of them such whose term something moved.
    """
    facts = _Differences()
    missing = set(expected.facts)
    for dossier, case in stored.facts:
        missing.discard(dossier)
        should = expected.facts.get(dossier)
        if should is None:
            facts.add(f"facts of {dossier!r} are stored, but no event names it")
        elif wrong := _differing(case, should):
            facts.add(f"facts of {dossier!r}: {wrong}")
        elif why := _wrong_standing(expected, dossier, case, thoroughly):
            facts.add(f"facts of {dossier!r}: {why}")
    for dossier in missing:
        facts.add(f"facts of {dossier!r} are not stored")
    windows, lacking, beyond = _of_windows(expected, stored)
    events, unsent, unstored = _of_events(expected, stored)
    return Verdict(
        facts=facts.number,
        windows=windows.number,
        lost=len(unstored) + lacking,
        doubled=unsent + beyond,
        examples=(*facts.examples, *windows.examples, *events.examples),
    )


def _wrong_standing(expected: Expected, dossier: str, case: Case, thoroughly: bool) -> str | None:
    life = expected.lives[dossier]
    if not thoroughly:
        one_in = (1 + len(expected.facts) // 4000) * (1 if case.verdict_rule or life.is_moved else 16)
        if crc32(dossier.encode()) % one_in:
            return None
    if case in life.agreed:
        return None
    if (why := wrong_standing(life, case, expected.zone)) is None:
        life.agreed.add(case)
    return why


def stored_in(clickhouse: ClickHouseConnection) -> Stored:
    """The rows of a database, streamed, one query at a time; raises Unreachable or NotMigrated."""
    return Stored(_facts(clickhouse), _windows(clickhouse), _events(clickhouse))


def case_of(values: Iterable[Any]) -> Case:
    """The case of these columns, in the order in which it has them; lists may be any sequence."""
    plain: list[Any] = [tuple(value) if isinstance(value, list) else value for value in values]
    return Case(*plain)


def stored_in_memory(store: MemoryStore) -> Stored:
    """The rows of a store in memory."""
    facts: list[Any] = [(row[0], case_of(_case_columns(row))) for row in store.final(FACTS)]
    windows: list[Any] = [
        (row[:3], {counter: amount for counter, amount in zip(COUNTERS, row[4:], strict=True) if amount})
        for row in store.final(WINDOWS)
    ]
    events = [
        (dossier, event_id, digest(kind, source, occurred, msgspec.json.decode(payload)))
        for dossier, event_id, kind, source, occurred, payload in map(_event_columns, store.final(EVENTS))
    ]
    return Stored(facts, windows, events)


def _getter(table: Table, columns: Iterable[str]) -> Callable[[Row], Any]:
    return itemgetter(*map(list(table.columns).index, columns))


_case_columns = _getter(FACTS, Case.__struct_fields__)
_event_columns = _getter(EVENTS, ("dossier", "id", "kind", "source", "occurred_at", "payload"))


class _Differences:
    """Counts differences and keeps the first few."""

    def __init__(self) -> None:
        self.number = 0
        self.examples: list[str] = []

    def add(self, text: str) -> None:
        self.number += 1
        if self.number <= _EXAMPLES:
            self.examples.append(text)


def _of_windows(expected: Expected, stored: Stored) -> tuple[_Differences, int, int]:
    differences = _Differences()
    lacking = beyond = 0
    missing = set(expected.windows)

    def compare(key: WindowKey, counts: Counts, should: Counts) -> None:
        nonlocal lacking, beyond
        if counts == should:
            return
        wrong = []
        for counter in {**should, **counts}:
            by = counts.get(counter, 0) - should.get(counter, 0)
            lacking, beyond = lacking + max(0, -by), beyond + max(0, by)
            if by:
                wrong.append(f"{counter} is {counts.get(counter, 0)}, should be {should.get(counter, 0)}")
        agency, start, partition = key
        at = from_micros(start * 1_000_000).isoformat()
        differences.add(f"window {agency!r} {at} of partition {partition}: {', '.join(wrong)}")

    for key, counts in stored.windows:
        missing.discard(key)
        compare(key, counts, expected.windows.get(key, {}))
    for key in missing:
        compare(key, {}, expected.windows[key])
    return differences, lacking, beyond


def _of_events(expected: Expected, stored: Stored) -> tuple[_Differences, int, set[EventKey]]:
    differences = _Differences()
    missing = set(expected.events)
    unsent = 0
    for key in stored.events:
        missing.discard(key)
        if key not in expected.events:
            unsent += 1
            differences.add(f"event {key[1]!r} of {key[0]!r} is stored with a content that was never sent")
    for key in missing:
        differences.add(f"event {key[1]!r} of {key[0]!r} is not stored")
    return differences, unsent, missing


def _differing(case: Case, should: Case) -> str:
    if case == should:
        return ""
    return ", ".join(
        f"{column} is {getattr(case, column)!r}, should be {getattr(should, column)!r}"
        for column in Case.__struct_fields__
        if getattr(case, column) != getattr(should, column) and not column.startswith("verdict_")
    )


def _facts(clickhouse: ClickHouseConnection) -> Iterator[tuple[str, Case]]:
    columns = ", ".join(_plain(column, FACTS.columns[column]) for column in Case.__struct_fields__)
    for dossier, *values in _rows(clickhouse, f"SELECT dossier, {columns} FROM facts FINAL"):  # noqa: S608  # our names
        yield dossier, case_of(values)


def _windows(clickhouse: ClickHouseConnection) -> Iterator[tuple[WindowKey, Counts]]:
    sql = f"SELECT agency, toUnixTimestamp(window), partition, {', '.join(COUNTERS)} FROM windows FINAL"  # noqa: S608  # our names
    for agency, start, partition, *amounts in _rows(clickhouse, sql):
        yield (
            (agency, start, partition),
            {counter: amount for counter, amount in zip(COUNTERS, amounts, strict=True) if amount},
        )


def _events(clickhouse: ClickHouseConnection) -> Iterator[EventKey]:
    sql = "SELECT dossier, id, kind, source, toUnixTimestamp64Micro(occurred_at), payload FROM events FINAL"
    for dossier, event_id, kind, source, occurred, payload in _rows(clickhouse, sql):
        yield dossier, event_id, digest(kind, source, occurred, msgspec.json.decode(payload))


def _plain(column: str, kind: str) -> str:
    if "DateTime64" not in kind:
        return column
    return (
        f"arrayMap(at -> toUnixTimestamp64Micro(at), {column})"
        if kind.startswith("Array")
        else (f"toUnixTimestamp64Micro({column})")
    )


def _rows(clickhouse: ClickHouseConnection, sql: str) -> Iterator[tuple[Any, ...]]:
    client = connect(clickhouse, strings_as_bytes=True)
    try:
        for row in client.execute_iter(sql, settings={"max_block_size": 10_000}):
            yield tuple([_text(value) if isinstance(value, bytes) else value for value in row])
    except (Error, OSError, EOFError) as error:
        raise explain(error, clickhouse) from error
    finally:
        client.disconnect()


def _text(value: bytes) -> str:
    # Bytes that are not text were never sent: they must appear as a difference, not as an error.
    return value.decode(errors="backslashreplace")
