"""One contract, two stores: what counting relies on holds in memory and in ClickHouse."""

import re
from collections.abc import Collection, Iterator
from contextlib import closing
from copy import deepcopy
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from chaos.memory_store import MemoryStore
from chaos.tcp_proxy import Passing, Proxy
from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.dead_letter import dead_letter
from schemas.envelope import MAX_LINES, Rejection
from schemas.events import AnyEvent
from schemas.instant import EARLIEST, LATEST, from_micros, to_micros
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, PROGRESS, WINDOWS, Table
from streams.counting.dead_letter_limit import LimitWindow
from streams.counting.facts import Facts, Payment, Refund
from streams.counting.log_position import MAX_EPOCH, pack
from streams.counting.record import Record
from streams.counting.registers import pack as pack_registers
from streams.counting.rows import dead_row, facts_row, progress_row, window_row
from streams.counting.store_interface import Checkpoint, LastRecord, Row, Store, Stored, WindowRow
from streams.errors import NotMigrated, RefusedRow, Unreachable
from streams.storage import backoff
from streams.storage import clickhouse_store as module
from streams.storage.clickhouse_client import connect
from streams.storage.clickhouse_store import ClickHouseStore
from tests.strategies import events_of
from tests.streams.cases import DATE, event_row, facts, joined
from tests.streams.log import NOW

START = 1_772_413_200
HOSTILE = [
    "'; DROP TABLE facts --",
    "a'b''c",
    'a"b',
    "\\",
    "\\'",
    "a\\0b",
    "a\0b",
    "\0",
    "\b\f\r\n\t\a\v",
    "\\N",
    "NULL",
    "%s %(some)s {some:String}",
    "/* -- # */",
    " leading and trailing ",
    "Đặng-Thị/Ô.2026",
    "e\u0301 is not \u00e9",
    "\u200b\u202e\ufeff\u2028",
    "😀" * 100,
    "\U0010ffff",
]


def facts_at(dossier: str, pos: int, row: Facts | None = None) -> Row:
    stored = Stored(pos, b"%d\x00\xff'\\" % pos)
    return facts_row(dossier, 3, stored, row or Facts(), DATE)


def window_at(agency: str, start: int, pos: int, *, partition: int = 3, count: int = 1) -> Row:
    return window_row((agency, start), partition, pos, [count] * len(COUNTERS))


def read_facts(store: Store, dossiers: Collection[str]) -> dict[str, Stored]:
    looked_up, found = store.read_facts(list(dossiers), 1 << 25)
    assert looked_up == len(dossiers)
    return found


def read_windows(store: Store, windows: set[WindowRow]) -> dict[WindowRow, tuple[int, list[int]]]:
    return {window: (pos, list(counts)) for window, (pos, counts) in store.read_windows(windows).items()}


class StoreContract:
    def test_a_lookup_ends_before_it_exceeds_the_bytes_it_may_read(self, store: Store) -> None:
        names = [f"D{number}" for number in range(9)]
        store.write(FACTS, [facts_row(name, 3, Stored(1, bytes(50_000)), Facts(), DATE) for name in names[::2]])
        looked_up: list[int] = []
        found: dict[str, Stored] = {}
        while sum(looked_up) < len(names):
            count, some = store.read_facts(names[sum(looked_up) :], 120_000)
            assert sum(len(each.registers) for each in some.values()) <= 120_000
            looked_up.append(count)
            found |= some
        assert min(looked_up) >= 1
        assert max(looked_up) <= 4
        assert found.keys() == set(names[::2])

    def test_a_dossier_with_more_bytes_than_may_be_read_is_looked_up_alone(self, store: Store) -> None:
        for name, pos in product(("D1", "D2"), (3, 9, 5)):
            store.write(FACTS, [facts_row(name, 3, Stored(pos, bytes([pos]) * 50_000), Facts(), DATE)])
        assert store.read_facts(["D1", "D2"], 10_000) == (1, {"D1": Stored(9, bytes([9]) * 50_000)})

    def test_nothing_is_found_in_an_empty_store(self, store: Store) -> None:
        assert read_facts(store, {"D1"}) == {}
        assert store.read_windows({("H01", START, 0)}) == {}
        assert store.read_checkpoints("events") == {}

    def test_asking_for_nothing_finds_nothing(self, store: Store) -> None:
        store.write(FACTS, [facts_at("D1", 1)])
        store.write(WINDOWS, [window_at("H01", START, 1)])
        assert read_facts(store, set()) == {}
        assert store.read_windows(set()) == {}

    @pytest.mark.parametrize(
        "table", [EVENTS, FACTS, WINDOWS, PROGRESS, DEAD_LETTERS], ids=lambda table: str(table.name)
    )
    def test_writing_nothing_is_allowed(self, store: Store, table: Table) -> None:
        store.write(table, [])

    def test_facts_are_read_as_written_and_only_those_asked_for(self, store: Store) -> None:
        store.write(FACTS, [facts_at("D1", 5), facts_at("D2", 6)])
        assert read_facts(store, {"D1", "D3"}) == {"D1": Stored(5, b"5\x00\xff'\\")}

    @pytest.mark.parametrize("order", [(5, 9, 7), (9, 7, 5), (5, 7, 9)])
    def test_the_greatest_position_of_facts_is_read(self, store: Store, order: tuple[int, ...]) -> None:
        for pos in order:
            store.write(FACTS, [facts_at("D1", pos)])
        assert read_facts(store, {"D1"})["D1"].pos == 9

    def test_the_greatest_position_within_one_write_is_read(self, store: Store) -> None:
        store.write(FACTS, [facts_at("D1", 5), facts_at("D1", 9), facts_at("D1", 7)])
        assert read_facts(store, {"D1"})["D1"].pos == 9

    def test_positions_are_unsigned_and_of_64_bits(self, store: Store) -> None:
        store.write(FACTS, [facts_at("D1", 2**63 - 1), facts_at("D1", 2**64 - 1), facts_at("D1", 0)])
        assert read_facts(store, {"D1"})["D1"].pos == 2**64 - 1

    def test_windows_are_read_as_written_and_only_those_asked_for(self, store: Store) -> None:
        counts = [10**15 + index if index % 2 else -index for index in range(len(COUNTERS))]
        store.write(WINDOWS, [window_row(("H01", START), 3, 7, counts), window_at("H02", START, 8)])
        asked = {("H01", START, 3), ("H01", START + 300, 3), ("H03", START, 3), ("H01", START, 4)}
        assert read_windows(store, asked) == {("H01", START, 3): (7, counts)}

    def test_the_greatest_position_of_a_window_is_read(self, store: Store) -> None:
        for pos in (5, 9, 7):
            store.write(WINDOWS, [window_at("H01", START, pos, count=pos)])
        assert read_windows(store, {("H01", START, 3)}) == {("H01", START, 3): (9, [9] * len(COUNTERS))}

    def test_each_partition_has_windows_of_its_own(self, store: Store) -> None:
        store.write(WINDOWS, [window_at("H01", START, 5, partition=p, count=p) for p in (3, 4)])
        assert read_windows(store, {("H01", START, 3)}) == {("H01", START, 3): (5, [3] * len(COUNTERS))}
        assert store.read_windows({("H01", START, 5)}) == {}

    def test_windows_of_many_months_are_written_at_once(self, store: Store) -> None:
        months = [START + month * 30 * 86400 for month in range(150)]
        store.write(WINDOWS, [window_at("H01", start, 1) for start in months])
        assert len(store.read_windows({("H01", start, 3) for start in months})) == 150

    @pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
    def test_any_name_will_do(self, store: Store, name: str) -> None:
        store.write(FACTS, [facts_at(name, 5), facts_at("other", 6)])
        store.write(WINDOWS, [window_at(name, START, 5), window_at("other", START, 6)])
        store.write(PROGRESS, [progress_row(name, 1, Record(3, 0, 0, None), NOW)])
        assert read_facts(store, {name}).keys() == {name}
        assert store.read_windows({(name, START, 3)}).keys() == {(name, START, 3)}
        assert store.read_checkpoints(name).keys() == {3}

    def test_names_that_look_alike_are_not_the_same(self, store: Store) -> None:
        names = ["e\u0301", "\u00e9", "a", "A", "a ", "a\0", ""]
        store.write(FACTS, [facts_at(name, pos) for pos, name in enumerate(names)])
        assert {name: stored.pos for name, stored in read_facts(store, names).items()} == {
            name: pos for pos, name in enumerate(names)
        }

    def test_facts_of_a_partition_are_read_in_parts_in_the_order_of_the_names_bytes(self, store: Store) -> None:
        names = [*HOSTILE, *(f"D{number}" for number in range(30))]
        for pos in (9, 7, 8):
            store.write(FACTS, [facts_at(name, pos) for name in names])
        store.write(FACTS, [facts_row("theirs", 4, Stored(9, b"x"), Facts(), DATE)])
        found: list[str] = []
        after: str | None = ""
        while after is not None:
            facts, after = store.read_facts_past(3, 0, after, 7)
            assert {stored.pos for stored in facts.values()} <= {9}
            assert len(facts) <= 7
            found += facts
        assert found == sorted(names, key=str.encode)

    def test_facts_past_a_position(self, store: Store) -> None:
        store.write(FACTS, [facts_at(f"D{pos}", pos) for pos in range(1, 9)])
        store.write(FACTS, [facts_at("D1", 9), facts_at("D9", 2)])
        facts, after = store.read_facts_past(3, 6, "", 100)
        assert {name: stored.pos for name, stored in facts.items()} == {"D1": 9, "D7": 7, "D8": 8}
        assert after is None
        assert store.read_facts_past(3, 9, "", 100) == ({}, None)
        assert store.read_facts_past(4, 0, "", 100) == ({}, None)

    def test_numbers_of_cases_up_to_a_position_and_beyond_it(self, store: Store) -> None:
        for number, (name, pos, partition) in enumerate((("D1", 4, 3), ("D2", 5, 3), ("D3", 6, 3), ("D4", 9, 4)), 1):
            store.write(FACTS, [facts_row(name, partition, Stored(pos, b"x", number), Facts(), DATE)])
        assert store.read_case_numbers(3, 5) == (2, {3})
        assert store.read_case_numbers(5, 5) == (0, set())
        assert read_facts(store, {"D2"}) == {"D2": Stored(5, b"x", 2)}

    def test_progress_is_read_by_partition_of_the_topic(self, store: Store) -> None:
        for partition, offset in ((0, 5), (1, 2**40 - 1), (0, 3)):
            record = Record(partition, offset, 0, None)
            store.write(PROGRESS, [progress_row("events", 2, record, NOW, LimitWindow(offset, partition))])
        store.write(PROGRESS, [progress_row("others", 2, Record(0, 99, 0, None), NOW)])
        assert store.read_checkpoints("events") == {
            0: Checkpoint(pack(2, 5, MAX_LINES - 1), 5, LimitWindow(5, 0), LastRecord(5, record.published)),
            1: Checkpoint(
                pack(2, 2**40 - 1, MAX_LINES - 1),
                2**40 - 1,
                LimitWindow(2**40 - 1, 1),
                LastRecord(2**40 - 1, record.published),
            ),
        }

    def test_twenty_thousand_of_the_longest_names_in_one_read(self, store: Store) -> None:
        names = [f"{number:05}" + "😀" * 95 for number in range(20_000)]
        windows = [(f"{number % 50:05}" + "😀" * 95, START + number * 300, number % 3) for number in range(20_000)]
        store.write(FACTS, [facts_at(name, 5) for name in names[::2]])
        store.write(WINDOWS, [window_at(agency, start, 5, partition=p) for agency, start, p in windows[::2]])
        assert read_facts(store, names).keys() == set(names[::2])
        assert store.read_windows(windows).keys() == set(windows[::2])


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()


@pytest.fixture
def clickhouse_store(clickhouse: ClickHouseConnection) -> Iterator[ClickHouseStore]:
    with closing(ClickHouseStore(clickhouse)) as store:
        yield store


@pytest.mark.clickhouse
class TestClickHouse(StoreContract):
    @pytest.fixture
    def store(self, clickhouse_store: ClickHouseStore) -> ClickHouseStore:
        return clickhouse_store


EXTREME = Facts(
    case_kind="feedback",
    voided=True,
    agency="😀" * 100,
    receiver="😀" * 100,
    channel="postal",
    procedure="😀" * 100,
    fee_bearing=True,
    received_at=to_micros(EARLIEST),
    term_original=to_micros(LATEST) - 1,
    term=to_micros(LATEST) - 1,
    extended_at=(to_micros(EARLIEST), *[to_micros(LATEST) - 1] * 999),
    apologies=1000,
    step="😀" * 100,
    unit="😀" * 100,
    official="7" * 100,
    step_at=to_micros(LATEST) - 1,
    supplement_requested_at=(to_micros(LATEST) - 1,) * 1000,
    suspension="obligation",
    suspended_at=to_micros(EARLIEST),
    outcome="answered",
    outcome_at=to_micros(LATEST) - 1,
    electronic_result=True,
    returned_at=to_micros(EARLIEST),
    payments=(Payment(to_micros(LATEST) - 1, 10**12, True, 10**12), Payment(to_micros(EARLIEST), 0, False, 0)),
    refunds=(Refund(to_micros(LATEST) - 1, 10**12),),
    digitised_at=to_micros(EARLIEST),
    components=10_000,
    components_digitised=10_000,
    components_reused=10_000,
    rated_at=to_micros(LATEST) - 1,
    satisfied=True,
    score=5,
)
LAST = Record(2**16 - 1, 2**40 - 1, 10**18, None)


def stored(connection: ClickHouseConnection, table: Table) -> list[Row]:
    """The table's rows with values as they are written: instants as integers in the column's own unit."""
    chosen = ", ".join(_as_written(name, kind) for name, kind in table.columns.items())
    client = connect(connection, strings_as_bytes=True)
    try:
        return [tuple(row) for row in client.execute(f"SELECT {chosen} FROM {table.name} FINAL")]
    finally:
        client.disconnect()


def _as_written(name: str, kind: str) -> str:
    if kind.startswith("Array(DateTime64"):
        return f"arrayMap(at -> toUnixTimestamp64Micro(at), {name})"
    if "DateTime64" in kind:
        return f"toUnixTimestamp64{'Milli' if '(3' in kind else 'Micro'}({name})"
    return f"toUnixTimestamp({name})" if kind.startswith("DateTime(") else name


def comparable(row: Row) -> list[Any]:
    def plain(value: object) -> object:
        if isinstance(value, str):
            return value.encode()
        return list(value) if isinstance(value, tuple) else value

    return [plain(value) for value in row]


@pytest.mark.clickhouse
def test_large_facts_of_a_partition_are_read_in_smaller_parts(
    clickhouse_store: ClickHouseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE_BYTES", 30_000)
    names = [f"D{number}" for number in range(9)]
    clickhouse_store.write(FACTS, [facts_row(name, 3, Stored(1, bytes(10_000)), Facts(), DATE) for name in names])
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        facts, after = clickhouse_store.read_facts_past(3, 0, after, 1000)
        assert 1 <= len(facts) <= 3
        found += facts
    assert found == names


@pytest.mark.clickhouse
class TestValues:
    @pytest.mark.parametrize(
        ("table", "row"),
        [
            (FACTS, facts_row("😀" * 100, 2**16 - 1, Stored(2**64 - 1, bytes(range(256))), EXTREME, DATE)),
            (FACTS, facts_row("D1", 0, Stored(1, b""), Facts(), DATE)),
            (WINDOWS, window_row(("😀" * 100, 0), 2**16 - 1, 2**64 - 1, [2**63 - 1] * len(COUNTERS))),
            (WINDOWS, window_row(("", to_micros(LATEST) // 10**6 - 300), 0, 0, [-(2**63)] * len(COUNTERS))),
            (PROGRESS, progress_row("events", MAX_EPOCH, LAST, NOW)),
            (PROGRESS, progress_row("events", 1, Record(0, 0, -(2**63), None), NOW)),
            (
                DEAD_LETTERS,
                dead_row(
                    dead_letter(
                        "😀" * 100,
                        2**16 - 1,
                        2**40 - 1,
                        from_micros(LAST.published * 1000),
                        Rejection(MAX_LINES - 1, "too_large", "\0", "'\\", bytes(range(256)) * 4096),
                    )
                ),
            ),
        ],
        ids=lambda value: value.name if isinstance(value, Table) else "",
    )
    def test_the_greatest_and_least_values_come_back_as_they_went(
        self, clickhouse: ClickHouseConnection, clickhouse_store: ClickHouseStore, table: Table, row: Row
    ) -> None:
        clickhouse_store.write(table, [row])
        (found,) = stored(clickhouse, table)
        assert comparable(found) == comparable(row)

    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(history=st.lists(events_of("D1"), min_size=1, max_size=30, unique_by=lambda event: event.id))
    def test_whatever_is_decoded_comes_back_as_it_went(
        self, clickhouse: ClickHouseConnection, clickhouse_store: ClickHouseStore, history: list[AnyEvent]
    ) -> None:
        client = connect(clickhouse)
        for table in (EVENTS, FACTS):
            client.execute(f"TRUNCATE TABLE {table.name}")
        client.disconnect()
        rows = [event_row(event, LAST, line) for line, event in enumerate(history)]
        row = facts_row("D1", 7, Stored(1, pack_registers(joined(*history))), facts(*history), DATE)
        clickhouse_store.write(EVENTS, rows)
        clickhouse_store.write(FACTS, [row])
        assert sorted(map(comparable, stored(clickhouse, EVENTS))) == sorted(map(comparable, rows))
        assert [comparable(row) for row in stored(clickhouse, FACTS)] == [comparable(row)]


@pytest.mark.clickhouse
class TestFailures:
    @pytest.fixture(autouse=True)
    def short_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(backoff, "_FIRST_SECONDS", 0.001)
        monkeypatch.setattr(backoff, "_LONGEST_SECONDS", 0.01)

    def test_an_insert_is_repeated_with_the_same_rows_when_its_connection_is_cut(
        self, clickhouse: ClickHouseConnection
    ) -> None:
        rows = [facts_at("D1", 5, EXTREME), facts_at("D2", 6), facts_at("D3", 7, Facts(received_at=1))]
        before = deepcopy(rows)
        sent: list[bytes] = []

        def cuts(passing: Passing) -> bool:
            sent.append(passing.data if passing.from_client else b"")
            return b"D2" in sent[-1] and sum(b"D2" in each for each in sent) <= 3

        with Proxy(clickhouse.host, clickhouse.port, cuts) as proxy:
            with closing(ClickHouseStore(structs.replace(clickhouse, port=proxy.port))) as store:
                store.write(FACTS, rows)
            assert proxy.cut == 3
        assert rows == before
        assert sorted(map(comparable, stored(clickhouse, FACTS))) == sorted(map(comparable, rows))

    def test_a_read_is_repeated_when_its_connection_is_cut(self, clickhouse: ClickHouseConnection) -> None:
        answers = iter([True, True])
        with Proxy(
            clickhouse.host, clickhouse.port, lambda passing: b"FROM facts" in passing.data and next(answers, False)
        ) as proxy:
            with closing(ClickHouseStore(structs.replace(clickhouse, port=proxy.port))) as store:
                store.write(FACTS, [facts_at("D1", 5)])
                assert read_facts(store, {"D1"}).keys() == {"D1"}
            assert proxy.cut == 2

    def test_a_read_gives_up_and_says_what_to_do(self, clickhouse: ClickHouseConnection) -> None:
        with (
            Proxy(clickhouse.host, clickhouse.port, lambda _: True) as proxy,
            closing(ClickHouseStore(structs.replace(clickhouse, port=proxy.port))) as store,
            pytest.raises(
                Unreachable, match=rf"ClickHouse at 127.0.0.1:{proxy.port} does not answer.*DOSSIER_CLICKHOUSE"
            ),
        ):
            store.read_checkpoints("events")

    def test_a_patient_store_reads_again_until_it_is_answered(self, clickhouse: ClickHouseConnection) -> None:
        refusals = iter(range(module._READ_ATTEMPTS * 2))
        with Proxy(
            clickhouse.host,
            clickhouse.port,
            lambda passing: passing.from_client and next(refusals, None) is not None,
        ) as proxy:
            with closing(ClickHouseStore(structs.replace(clickhouse, port=proxy.port), patient=True)) as store:
                assert store.read_checkpoints("events") == {}
            assert proxy.cut == module._READ_ATTEMPTS * 2

    @pytest.mark.parametrize("number", [0, 1, 4, 6, 7, 12])
    def test_of_many_rows_the_very_one_is_named_that_does_not_fit(
        self, clickhouse_store: ClickHouseStore, number: int
    ) -> None:
        rows = [window_at(f"H{n}", START, 5, partition=2**16 if n == number else 3) for n in range(13)]
        with pytest.raises(RefusedRow, match=rf"windows refuses a row: .*agency = 'H{number}', .*partition = 65536, "):
            clickhouse_store.write(WINDOWS, rows)

    @pytest.mark.parametrize(("column", "value"), [("dossier", 5), ("received_at", "today"), ("score", -1)])
    def test_a_value_of_another_type_is_refused_with_its_row(
        self, clickhouse_store: ClickHouseStore, column: str, value: object
    ) -> None:
        row = dict(zip(FACTS.columns, facts_at("D1", 5), strict=True)) | {column: value}
        shown = f"dossier = {row['dossier']!r}, pos = 5, "
        shown += "" if column == "dossier" else re.escape(f"{column} ({type(value).__name__})").join((".*", ""))
        with pytest.raises(RefusedRow, match=f"facts refuses a row: .*{shown}") as refused:
            clickhouse_store.write(FACTS, [facts_at("D0", 1), tuple(row.values())])
        assert "today" not in str(refused.value)
        assert len(str(refused.value)) < 2000
        assert "\n" not in str(refused.value)

    def test_after_a_refusal_the_store_can_be_used(self, clickhouse_store: ClickHouseStore) -> None:
        with pytest.raises(RefusedRow):
            clickhouse_store.write(WINDOWS, [window_at("H01", START, -1)])
        clickhouse_store.write(WINDOWS, [window_at("H01", START, 1)])
        assert clickhouse_store.read_windows({("H01", START, 3)})

    def test_a_missing_table_is_no_fault_of_the_rows(
        self, clickhouse: ClickHouseConnection, clickhouse_store: ClickHouseStore
    ) -> None:
        client = connect(clickhouse)
        client.execute("DROP TABLE windows SYNC")
        client.disconnect()
        with pytest.raises(NotMigrated, match="run `dossier migrate`"):
            clickhouse_store.write(WINDOWS, [window_at("H01", START, 1)])
        with pytest.raises(NotMigrated, match="run `dossier migrate`"):
            clickhouse_store.read_windows({("H01", START, 3)})

    def test_a_missing_database_is_no_fault_of_the_rows(self, clickhouse: ClickHouseConnection) -> None:
        with closing(ClickHouseStore(structs.replace(clickhouse, database="nowhere"))) as store:
            with pytest.raises(NotMigrated, match="nowhere"):
                store.write(WINDOWS, [window_at("H01", START, 1)])
            with pytest.raises(NotMigrated, match="nowhere"):
                store.read_checkpoints("events")
