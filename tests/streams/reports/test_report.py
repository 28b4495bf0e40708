"""The report shows what the counters count, and no rate where there is nothing to divide by."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.events import Event, FeedbackReceived, Paid, Rated, Received, Resolved, TermSet, Withdrawn
from streams.errors import NotMigrated, Unreachable
from streams.reports.report import FIGURES, LED, RATES, report, stored_events
from tests.streams.cases import INSTANT, at, counts, said
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse

FAR = at("2099-01-01 00:00")
CASES: dict[str, tuple[Event, ...]] = {
    "in time": (
        said(Received, "2026-03-02 08:00", dossier="in time", agency="H01", channel="online", fee_bearing=True),
        said(TermSet, "2026-03-02 08:01", dossier="in time", term=at("2026-03-09 16:00")),
        said(Paid, "2026-03-02 08:02", dossier="in time", transaction="1", amount=50_000, method="online"),
        said(Resolved, "2026-03-05 10:00", dossier="in time"),
        said(Rated, "2026-03-06 10:00", dossier="in time", satisfied=True),
    ),
    "late": (
        said(Received, "2026-03-02 09:00", dossier="late", agency="H01"),
        said(TermSet, "2026-03-02 09:01", dossier="late", term=at("2026-03-04 16:00")),
        said(Resolved, "2026-03-05 10:00", dossier="late"),
    ),
    "open": (
        said(Received, "2026-03-02 23:58", dossier="open", agency="H01"),
        said(TermSet, "2026-03-02 23:59", dossier="open", term=FAR),
    ),
    "overdue": (
        said(Received, "2026-03-03 00:00", dossier="overdue", agency="H02", channel="postal"),
        said(TermSet, "2026-03-03 00:01", dossier="overdue", term=at("2026-03-04 16:00")),
    ),
    "withdrawn": (
        said(Received, "2026-03-03 08:00", dossier="withdrawn", agency="Sở Xây dựng"),
        said(Withdrawn, "2026-03-04 08:00", dossier="withdrawn"),
    ),
    "feedback": (said(FeedbackReceived, "2026-03-03 08:00", dossier="feedback", agency="H02"),),
    "not received": (said(Resolved, "2026-03-03 08:00", dossier="not received"),),
}
EVENTS = tuple(event for events in CASES.values() for event in events)


@pytest.fixture
def counted(clickhouse: ClickHouseConnection) -> ClickHouseConnection:
    count(clickhouse, *EVENTS)
    return clickhouse


def expected(*agencies: str, since: datetime | None = None, until: datetime | None = None) -> dict[str, int]:
    """What the counters say of the cases of these agencies, all or in a span of windows."""
    found = dict.fromkeys(COUNTERS, 0)
    for events in CASES.values():
        for (agency, window), counters in counts(*events).items():
            start = datetime.fromtimestamp(window, UTC)
            if agency in agencies and (since is None or start >= since) and (until is None or start < until):
                for counter, amount in counters.items():
                    found[counter] += amount
    return found


def test_each_agency_has_what_its_dossiers_count_and_the_total_is_their_sum(counted: ClickHouseConnection) -> None:
    found = report(counted, INSTANT)
    assert [agency["agency"] for agency in found.agencies] == ["H01", "H02", "Sở Xây dựng"]
    for agency in found.agencies:
        assert {counter: agency[counter] for counter in COUNTERS} == expected(agency["agency"])
    assert {figure: found.total[figure] for figure in COUNTERS} == expected("H01", "H02", "Sở Xây dựng")
    assert (found.total["received"], found.total["resolved_on_time"], found.total["paid_amount"]) == (5, 1, 50_000)
    assert found.total.keys() == {*FIGURES, *LED, *RATES}
    assert found.rules == INSTANT.rules


def test_open_and_overdue_are_as_of_now(counted: ClickHouseConnection) -> None:
    found = report(counted, INSTANT)
    assert [(agency["open"], agency["overdue"]) for agency in found.agencies] == [(1, 0), (1, 1), (0, 0)]
    assert (found.total["open"], found.total["overdue"]) == (2, 1)


def test_a_span_begins_with_its_first_instant_and_ends_before_its_last(counted: ClickHouseConnection) -> None:
    since, until = at("2026-03-02 08:00"), at("2026-03-03 00:00")
    found = report(counted, INSTANT, since, until)
    assert {figure: found.total[figure] for figure in COUNTERS} == expected("H01", "H02", since=since, until=until)
    assert found.total["received"] == 3
    assert report(counted, INSTANT, since + timedelta(minutes=5), until).total["received"] == 2
    assert report(counted, INSTANT, since, until + timedelta(minutes=5)).total["received"] == 4


def test_who_counts_nothing_in_a_span_and_has_open_dossiers_is_shown_with_noughts(
    counted: ClickHouseConnection,
) -> None:
    found = report(counted, INSTANT, at("2026-05-01 00:00"))
    assert [agency["agency"] for agency in found.agencies] == ["H01", "H02"]
    assert all(agency[counter] == 0 for agency in found.agencies for counter in COUNTERS)
    assert found.total["open"] == 2


def test_a_rate_is_a_share_and_none_where_there_is_nothing_to_divide_by(counted: ClickHouseConnection) -> None:
    first, second, third = report(counted, INSTANT).agencies
    assert (first["online_rate"], first["on_time_rate"], first["online_payment_rate"]) == (1 / 3, 1 / 2, 1.0)
    assert (first["satisfaction_rate"], first["digitisation_rate"], first["feedback_on_time_rate"]) == (1.0, None, None)
    assert (second["online_rate"], second["on_time_rate"]) == (0.0, None)
    assert third["on_time_rate"] is None


def test_freshness_is_the_newest_of_all(counted: ClickHouseConnection) -> None:
    before = datetime.now(UTC)
    fresh = report(counted, INSTANT).freshness
    assert fresh.occurred_at == at("2026-03-06 10:00")
    assert fresh.counted_at is not None
    assert before - timedelta(minutes=5) < fresh.counted_at < before + timedelta(minutes=5)


def test_without_events_everything_is_nought_or_none(clickhouse: ClickHouseConnection) -> None:
    found = report(clickhouse, INSTANT)
    assert found.agencies == []
    assert found.total == dict.fromkeys((*FIGURES, *LED), 0) | dict.fromkeys(RATES)
    assert set(structs.astuple(found.freshness)) == {None}
    assert stored_events(clickhouse) == 0


def test_an_event_that_came_twice_is_one(clickhouse: ClickHouseConnection) -> None:
    count(clickhouse, *EVENTS, *EVENTS[:5])
    assert stored_events(clickhouse) == len(EVENTS)
    assert report(clickhouse, INSTANT).total["received"] == 5


@pytest.mark.parametrize("ask", [stored_events, lambda clickhouse: report(clickhouse, INSTANT)])
class TestWhereNothingCanBeAsked:
    def test_a_database_that_was_never_migrated_is_told(
        self, clickhouse_server: ClickHouseConnection, ask: Callable[[ClickHouseConnection], object]
    ) -> None:
        with pytest.raises(NotMigrated, match="run `dossier migrate`"):
            ask(structs.replace(clickhouse_server, database="nowhere"))

    def test_a_server_that_is_away_is_told(self, ask: Callable[[ClickHouseConnection], object]) -> None:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 does not answer"):
            ask(ClickHouseConnection("127.0.0.1", 1))
