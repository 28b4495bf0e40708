from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_driver import Client
from msgspec import structs

from schemas.counters import COUNTERS
from schemas.dead_letter import dead_letter
from schemas.deployment_profile import Profile
from schemas.envelope import Rejection, encode_event
from schemas.events import (
    MAX_NUMBERED,
    Amended,
    Event,
    Paid,
    Paused,
    Progressed,
    Received,
    Refunded,
    Resolved,
    Returned,
    TermSet,
    Voided,
)
from schemas.instant import EARLIEST, from_micros
from schemas.reference.procedure import ProcedureVersion
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, VIEWS, WINDOWS, called
from streams.counting.facts import facts_of
from streams.counting.record import Record
from streams.counting.registers import merged, pack
from streams.counting.rows import dead_row, facts_row, window_row
from streams.counting.store_interface import Stored
from streams.storage.clickhouse_client import connect
from streams.storage.clickhouse_store import ClickHouseStore
from streams.storage.deployment_plan import Plan
from streams.storage.rollups import refresh
from streams.storage.table_migration import make_tables
from tests.schemas.reference.agencies import agency
from tests.streams.cases import at, event_row, facts, micros, said
from tests.streams.declared import declare_agencies, declare_procedures

pytestmark = pytest.mark.clickhouse
RATES = {
    "online_rate": ("received_online", "received"),
    "on_time_rate": ("resolved_on_time_by_instant", "resolved"),
    "online_payment_rate": ("fee_paid_online", "fee_bearing"),
    "digitisation_rate": ("components_digitised", "components"),
    "satisfaction_rate": ("satisfied", "rated"),
    "feedback_on_time_rate": ("feedback_on_time", "feedback_answered"),
}
ALWAYS_THERE = {"periods": 4, "leading_rule": 1, "waiting": 1, "data_age": 1, "city_figures": 3}
"""Views that say in their rows that there is nothing."""


@pytest.fixture
def store(plan: Plan) -> Iterator[ClickHouseStore]:
    with closing(ClickHouseStore(plan.clickhouse)) as store:
        yield store


@pytest.fixture
def client(plan: Plan) -> Iterator[Client]:
    client = connect(plan.clickhouse)
    yield client
    client.disconnect()


def ask(client: Client, sql: str) -> list[dict[str, Any]]:
    rows, columns = client.execute(sql, with_column_types=True)
    return [dict(zip([name for name, _ in columns], row, strict=True)) for row in rows]


def count(
    store: ClickHouseStore, local: str, counters: dict[str, int], *, agency: str = "H01", partition: int = 0
) -> None:
    counts = [counters.get(counter, 0) for counter in COUNTERS]
    store.write(WINDOWS, [window_row((agency, micros(local) // 10**6), partition, 1, counts)])


def keep(store: ClickHouseStore, dossier: str, *events: Event, profile: Profile | None = None) -> None:
    row = facts_row(dossier, 0, Stored(1, b""), facts(*events), profile or Profile())
    store.write(FACTS, [row])


def keep_crowded(store: ClickHouseStore, dossier: str, numbers: int) -> None:
    """A case with so many numbered registers, one of them a refund."""
    paid = {"amount": 5, "method": "cash"}
    payments = [said(Paid, "2026-03-02 08:00", id="p", transaction=str(n), **paid) for n in range(numbers - 1)]
    registers = merged([*payments, said(Refunded, "2026-03-02 08:00", transaction="0", amount=5)])
    store.write(FACTS, [facts_row(dossier, 0, Stored(1, pack(registers)), facts_of(registers), Profile())])


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers_on_an_empty_database(client: Client, view: str) -> None:
    assert len(client.execute(f"SELECT * FROM {called(view)}")) == ALWAYS_THERE.get(view, 0)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers_on_one_with_data(client: Client, store: ClickHouseStore, view: str) -> None:
    received = said(Received, "2026-03-02 08:00", agency="H01", id="e1")
    moved = said(Received, "2026-03-02 08:01", agency="H02", id="e1")
    tied = said(Received, "2026-03-02 08:01", agency="H03", id="e2")
    keep(store, "D1", received, said(TermSet, "2026-03-02 08:00", term=at("2026-03-10 17:00")))
    keep_crowded(store, "D2", MAX_NUMBERED)
    count(store, "2026-03-02 08:00", {"received": 1})
    events = enumerate((received, moved, tied))
    store.write(EVENTS, [event_row(event, Record(0, 0, 0, None), line) for line, event in events])
    letter = dead_letter("events", 0, 0, EARLIEST, Rejection(2, "malformed", "", "", b"{"))
    store.write(DEAD_LETTERS, [dead_row(letter)])
    client.execute("INSERT INTO dossier_alerts (seq, dossier, state) VALUES", [(1, "D1", "raised")])
    client.execute("INSERT INTO deployment (topic, epoch, state) VALUES", [("dossier-events", 3, "serving")])
    client.execute("INSERT INTO restatements (topic, epoch, why) VALUES", [("dossier-events", 3, "Circular 1")])
    client.execute("INSERT INTO restated_figures (topic, epoch, figure) VALUES", [("dossier-events", 3, "received")])
    declare_agencies(client, [agency("H26", level="province"), agency("H01", "H26")])
    declare_procedures(client, [ProcedureVersion(code="1.1", name_vi="Thủ tục", service_level="full")])
    refresh(client, ["refresh_receiver_days"])
    assert client.execute(f"SELECT * FROM {called(view)}")


class TestAgencyWindows:
    @pytest.mark.parametrize(
        ("period", "before", "first", "start"),
        [
            ("5 minutes", "2026-03-02 08:00", "2026-03-02 08:05", "2026-03-02 08:05"),
            ("hour", "2026-03-02 08:55", "2026-03-02 09:00", "2026-03-02 09:00"),
            ("day", "2026-03-02 23:55", "2026-03-03 00:00", "2026-03-03 00:00"),
            ("month", "2026-02-28 23:55", "2026-03-01 00:00", "2026-03-01 00:00"),
            ("quarter", "2026-03-31 23:55", "2026-04-01 00:00", "2026-04-01 00:00"),
            ("year", "2025-12-31 23:55", "2026-01-01 00:00", "2026-01-01 00:00"),
        ],
    )
    def test_a_period_begins_in_local_time(
        self, client: Client, store: ClickHouseStore, period: str, before: str, first: str, start: str
    ) -> None:
        count(store, before, {"received": 1})
        count(store, first, {"received": 10})
        found = ask(client, f"SELECT start, received FROM agency_windows WHERE period = '{period}' ORDER BY start")
        assert [row["received"] for row in found] == [1, 10]
        assert found[1]["start"] == at(start)

    def test_a_day_is_all_its_windows_of_all_partitions(self, client: Client, store: ClickHouseStore) -> None:
        for partition, local in ((0, "2026-03-02 00:00"), (1, "2026-03-02 00:00"), (0, "2026-03-02 23:55")):
            count(store, local, {"received": 1, "paid_amount": 10**12}, partition=partition)
        count(store, "2026-03-02 12:00", {"received": 1}, agency="H02")
        found = ask(
            client, "SELECT agency, received, paid_amount FROM agency_windows WHERE period = 'day' ORDER BY agency"
        )
        assert [tuple(row.values()) for row in found] == [("H01", 3, 3 * 10**12), ("H02", 1, 0)]

    def test_only_the_greatest_position_of_a_window_counts(self, client: Client, store: ClickHouseStore) -> None:
        for pos in (1, 3, 2):
            counts = [pos * 10] * len(COUNTERS)
            store.write(WINDOWS, [window_row(("H01", micros("2026-03-02 08:00") // 10**6), 0, pos, counts)])
        assert {row["received"] for row in ask(client, "SELECT received FROM agency_windows")} == {30}

    def test_every_counter_is_summed_under_its_name(self, client: Client, store: ClickHouseStore) -> None:
        counters = {counter: 2**index for index, counter in enumerate(COUNTERS)}
        count(store, "2026-03-02 08:00", counters)
        count(store, "2026-03-02 08:05", counters)
        (found,) = ask(client, "SELECT * FROM agency_windows WHERE period = 'day'")
        assert {counter: found[counter] for counter in COUNTERS} == {c: 2 * n for c, n in counters.items()}

    @pytest.mark.parametrize("rate", RATES)
    def test_a_rate_is_its_numerator_over_its_denominator_or_no_data(
        self, client: Client, store: ClickHouseStore, rate: str
    ) -> None:
        numerator, denominator = RATES[rate]
        count(store, "2026-03-02 08:00", {numerator: 3, denominator: 4})
        count(store, "2026-03-03 08:00", {denominator: 4})
        count(store, "2026-03-04 08:00", {counter: 5 for counter in COUNTERS if counter != denominator})
        found = ask(client, f"SELECT {rate} FROM agency_windows WHERE period = 'day' ORDER BY start")
        assert [row[rate] for row in found] == [0.75, 0.0, None]


class TestDossiers:
    RECEIVED = said(Received, "2026-03-02 08:00", agency="H01", receiver="R1", procedure="P1", channel="online")

    @pytest.mark.parametrize(
        ("events", "status", "is_open"),
        [
            ((), "received", 1),
            ((said(Progressed, "2026-03-03 08:00", step="appraisal"),), "processing", 1),
            ((said(Progressed, "2026-03-03 08:00", step="s"), said(Paused, "2026-03-04 08:00")), "pause", 1),
            ((said(Paused, "2026-03-04 08:00"), said(Resolved, "2026-03-05 08:00")), "resolved", 0),
            ((said(Resolved, "2026-03-05 08:00"), said(Returned, "2026-03-06 08:00")), "returned", 0),
        ],
        ids=["received", "processing", "pause", "resolved", "returned"],
    )
    def test_a_dossier_has_one_status(
        self, client: Client, store: ClickHouseStore, events: tuple[Event, ...], status: str, is_open: int
    ) -> None:
        keep(store, "D1", self.RECEIVED, *events)
        (found,) = ask(client, "SELECT * FROM dossiers")
        assert (found["dossier"], found["status"], found["is_open"]) == ("D1", status, is_open)
        assert (found["agency"], found["receiver"], found["procedure"]) == ("H01", "R1", "P1")
        assert found["received_at"] == at("2026-03-02 08:00")

    def test_what_is_voided_or_never_received_is_not_there(self, client: Client, store: ClickHouseStore) -> None:
        keep(store, "D1", self.RECEIVED, said(Voided, "2026-03-03 08:00"))
        keep(store, "D2", said(Resolved, "2026-03-05 08:00"))
        assert ask(client, "SELECT * FROM dossiers") == []

    def test_unknown_is_null(self, client: Client, store: ClickHouseStore) -> None:
        keep(store, "D1", self.RECEIVED)
        (found,) = ask(client, "SELECT term, on_time, days, satisfied, score FROM dossiers")
        assert set(found.values()) == {None}


def term_set(term: datetime) -> TermSet:
    return said(TermSet, "2026-03-02 08:00", term=term)


class TestOverdue:
    RECEIVED = said(Received, "2026-03-02 08:00", agency="H01")

    def keep_by_term(self, store: ClickHouseStore, terms: dict[str, datetime], *events: Event) -> None:
        for dossier, term in terms.items():
            keep(store, dossier, self.RECEIVED, term_set(term), *events)

    def test_open_dossiers_are_overdue_from_the_very_instant(self, client: Client, store: ClickHouseStore) -> None:
        now = datetime.now(UTC)
        self.keep_by_term(store, {"past": now - timedelta(seconds=1), "ahead": now + timedelta(hours=1)})
        keep(store, "no term", self.RECEIVED)
        keep(store, "resolved", self.RECEIVED, term_set(now - timedelta(days=9)), said(Resolved, "2026-03-20 08:00"))
        assert [row["dossier"] for row in ask(client, "SELECT dossier FROM overdue_dossiers")] == ["past"]

    def test_by_date_open_dossiers_are_overdue_when_the_local_day_of_the_term_is_over(
        self, plan: Plan, client: Client, store: ClickHouseStore
    ) -> None:
        profile = Profile(terms="date")
        make_tables(structs.replace(plan, profile=profile), lambda _: None, dry_run=False)
        # Kept away from midnight in Việt Nam by asking the database for its own day.
        ((today,),) = client.execute("SELECT toUnixTimestamp(toStartOfDay(now(), 'Asia/Ho_Chi_Minh'))")
        begun = from_micros(today * 10**6)
        self.keep_by_term(
            store,
            {
                "yesterday": begun - timedelta(microseconds=1),
                "today, over": begun,
                "today, ahead": begun + timedelta(days=1, microseconds=-1),
            },
        )
        assert [row["dossier"] for row in ask(client, "SELECT dossier FROM overdue_dossiers")] == ["yesterday"]

    def test_days_overdue_are_counted_from_the_term(self, client: Client, store: ClickHouseStore) -> None:
        self.keep_by_term(store, {"D1": datetime.now(UTC) - timedelta(days=3, hours=12)})
        ((days,),) = client.execute("SELECT days_overdue FROM overdue_dossiers")
        assert days == pytest.approx(3.5, abs=0.01)


class TestConflicts:
    def insert(self, store: ClickHouseStore, *events: Event) -> None:
        store.write(EVENTS, [event_row(event, Record(0, 7, 0, None), line) for line, event in enumerate(events)])

    def test_exactly_the_ids_with_several_contents_are_reported(self, client: Client, store: ClickHouseStore) -> None:
        same = said(Received, "2026-03-02 08:00", agency="H01", id="same")
        self.insert(store, same, same, structs.replace(same, recorded_at=at("2026-03-04 08:00"), seq=7))
        one = said(Received, "2026-03-02 08:00", agency="H01", id="payload")
        self.insert(store, one, structs.replace(one, agency="H02"))
        timed = said(Resolved, "2026-03-02 08:00", id="time")
        self.insert(store, timed, structs.replace(timed, occurred_at=at("2027-03-02 08:00")))
        self.insert(store, *(said(kind, "2026-03-02 08:00", id="kind") for kind in (Resolved, Returned)))
        self.insert(store, *(said(Resolved, "2026-03-02 08:00", id="dossier", dossier=d) for d in ("D1", "D2")))
        found = ask(client, "SELECT id, contents, recordings FROM event_conflicts ORDER BY id")
        assert [(row["id"], row["contents"]) for row in found] == [("kind", 2), ("payload", 2), ("time", 2)]
        assert [recording[5] for recording in found[1]["recordings"]] == [
            '{"agency":"H01","channel":"direct","fee_bearing":false}',
            '{"agency":"H02","channel":"direct","fee_bearing":false}',
        ]

    def test_of_one_content_the_last_recording_is_kept(self, client: Client, store: ClickHouseStore) -> None:
        event = said(Resolved, "2026-03-02 08:00", id="e1")
        recordings = [(at("2026-03-04 08:00"), 2), (at("2026-03-05 08:00"), 0), (at("2026-03-05 08:00"), 1)]
        for recorded_at, seq in (*recordings, *reversed(recordings)):
            self.insert(store, structs.replace(event, recorded_at=recorded_at, seq=seq))
        assert client.execute("SELECT recorded_at, seq FROM events FINAL") == [(at("2026-03-05 08:00"), 1)]


def test_dossiers_near_their_limit_are_told_with_what_was_refused_of_them(
    client: Client, store: ClickHouseStore
) -> None:
    near = MAX_NUMBERED * 8 // 10
    for dossier, numbers in (("near", near), ("full", MAX_NUMBERED), ("far", near - 1)):
        keep_crowded(store, dossier, numbers)
    for line in range(2):
        content = encode_event(said(Paid, "2026-03-02 08:00", transaction="x", amount=5, method="cash", dossier="full"))
        rejection = Rejection(line, "full", "transaction", "", content)
        store.write(DEAD_LETTERS, [dead_row(dead_letter("t", 0, 1, datetime.now(UTC), rejection))])
    found = ask(client, "SELECT dossier, registers, payments, refunds, refused FROM crowded_dossiers ORDER BY dossier")
    assert [tuple(row.values()) for row in found] == [
        ("full", MAX_NUMBERED, MAX_NUMBERED - 1, 1, 2),
        ("near", near, near - 1, 1, 0),
    ]


def test_freshness_is_the_newest_of_each_source(client: Client, store: ClickHouseStore) -> None:
    published = round(datetime.now(UTC).timestamp() * 1000) - 60_000
    for source, local in (
        ("a", "2026-03-02 08:00"),
        ("a", "2026-03-04 08:00"),
        ("a", "2026-03-03 08:00"),
        ("b", "2026-03-01 08:00"),
    ):
        event = said(Resolved, local, source=source)
        store.write(EVENTS, [event_row(event, Record(0, 0, published, None), 0)])
    first, second = ask(client, "SELECT * FROM freshness ORDER BY source")
    assert (first["source"], first["occurred_at"]) == ("a", at("2026-03-04 08:00"))
    assert (second["source"], second["occurred_at"]) == ("b", at("2026-03-01 08:00"))
    assert 60 <= first["age_seconds"] < 120
    assert first["counted_at"] is None


def test_two_contents_of_one_time_and_order_are_a_tie_unless_something_newer_holds(
    client: Client, store: ClickHouseStore
) -> None:
    def told(kind: type[Event], dossier: str, **fields: Any) -> Event:
        return said(kind, "2026-03-02 08:00", dossier=dossier, recorded_at=at("2026-04-01 00:00"), **fields)

    events = [
        *(told(Received, "held", id=f"e{agency}", agency=agency) for agency in ("H0", "H01")),
        *(told(Received, "newer", id=f"n{agency}", agency=agency) for agency in ("H0", "H01")),
        told(Received, "newer", id="n", agency="H02", seq=1),
        *(told(Received, "alike", id=f"a{number}", agency="H01") for number in (1, 2)),
        # Of one moment, but of different things.
        *(told(Paused, "paused", id=f"p{number}", number=number) for number in (1, 2)),
        told(Amended, "amended", id="m1", agency="H01"),
        told(Amended, "amended", id="m2", channel="online", procedure="P1"),
        told(Amended, "amended", id="m3", procedure="P2"),
    ]
    store.write(EVENTS, [event_row(event, Record(0, 0, 0, None), line) for line, event in enumerate(events)])
    found = ask(client, "SELECT dossier, register, contents, holds, seq FROM event_ties ORDER BY dossier")
    assert [(*row.values(),) for row in found] == [
        ("amended", "amended procedure", 2, "m3", 0),
        ("held", "received", 2, "eH01", 0),
    ]
