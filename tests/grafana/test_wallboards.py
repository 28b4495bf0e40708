"""The figures of the wall are those of the analysts, of now, and say where there is nothing to say."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_driver import Client

from grafana.panels import NEUTRAL, NO_DOSSIERS, RED, status_mappings
from grafana.sql_queries import query
from grafana.thresholds import DATA_AGE, FIGURES, OVERDUE, status
from grafana.wallboards import PERIODS, Period, wallboard
from schemas.connection import ClickHouseConnection
from streams.storage.clickhouse_client import connect
from tests.databases import Databases
from tests.grafana.city import city, midnight, waiting
from tests.grafana.conftest import grow, refresh
from tests.grafana.test_queries import one
from tests.streams.counted import count

RATES = [figure.name for figure in FIGURES if figure.unit == "share"]


def tile(board: dict[str, Any], name: str) -> dict[str, Any]:
    """The panel that shows this figure alone."""
    (found,) = [panel for panel in board["panels"] if panel["targets"][0]["rawSql"].startswith(f"SELECT {name}\n")]
    return dict(found)


def shown_of_null(panel: dict[str, Any], column: str) -> tuple[str, str]:
    """The text and colour in which Grafana shows a NULL of this column."""
    mappings = panel["fieldConfig"]["defaults"]["mappings"]
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"] == {"id": "byName", "options": column}:
            mappings = next((each["value"] for each in override["properties"] if each["id"] == "mappings"), mappings)
    (null,) = [each["options"]["result"] for each in mappings if each["type"] == "special"]
    return null["text"], null["color"]


@pytest.mark.parametrize("period", PERIODS)
def test_every_figure_has_a_tile_and_a_share_without_dossiers_says_so(period: Period) -> None:
    board = wallboard(period)
    for figure in FIGURES:
        value = tile(board, figure.name)
        name = value["fieldConfig"]["defaults"]["displayName"].replace("\N{NO-BREAK SPACE}", " ")
        assert figure.vietnamese in name
        assert figure.english in name
        assert shown_of_null(value, figure.name) == ("–", NEUTRAL)
        if figure.unit == "share":
            assert shown_of_null(tile(board, f"{figure.name}, {figure.name}_trend"), figure.name)[0] == NO_DOSSIERS


def test_no_data_is_red_on_the_tile_of_freshness() -> None:
    value = tile(wallboard("day"), "seconds")
    assert shown_of_null(value, "seconds") == ("–", RED)
    assert [step["value"] for step in value["fieldConfig"]["defaults"]["thresholds"]["steps"]] == [None, 61, 301]
    (strip,) = [each for each in wallboard("day")["panels"] if each["targets"][0]["rawSql"] == query("data_age")]
    assert shown_of_null(strip, "seconds") == ("NGỪNG / stopped", RED)


def test_a_word_stands_beside_every_colour_and_agrees_with_the_thresholds() -> None:
    for figure in FIGURES:
        ranges = [each["options"] for each in status_mappings(figure) if each["type"] == "range"]
        assert len(ranges) == (0 if figure.target is None else 3)
        for value in (0, 0.3, 0.9, 0.9799, 0.98, 1) if figure.unit == "share" else (0, 1, 100, 101, 10**6):
            texts = [
                each["result"]["text"]
                for each in ranges
                if (each["from"] is None or value >= each["from"]) and (each["to"] is None or value <= each["to"])
            ]
            expected = {"met": "ĐẠT / met", "watch": "CHÚ Ý / watch", "missed": "CHƯA ĐẠT / missed", None: None}
            assert (texts or [None]) == [expected[status(figure, value)]]
    assert status(OVERDUE, 1) == "watch"


@pytest.fixture(scope="module")
def big_city(databases: Databases) -> Iterator[Client]:
    """The small city, read as a big one is: from what is rolled up."""
    with databases.lend() as plan:
        own = plan.clickhouse
        count(own, *city(), published=datetime.now(UTC))
        client = connect(own)
        grow(client)
        yield client
        client.disconnect()


@pytest.mark.clickhouse
class TestFigures:
    def test_today_is_what_happened_today_and_stands_beside_yesterday(self, seeded_city: Client) -> None:
        found = one(seeded_city, query("city", period="day"))
        assert (found["received"], found["on_time"], found["late"]) == (1, 1, 1)
        assert (found["open"], found["overdue"]) == (4, 2)
        assert found["overall_on_time_rate"] == (1 + 4 - 2) / (2 + 4)
        assert (found["online_rate"], found["online_payment_rate"]) == (0, None)
        assert (found["digitisation_rate"], found["satisfaction_rate"]) == (0.75, 0.5)
        assert found["feedback_on_time_rate"] == 1
        assert found["overdue_trend"] == "= 0 (2)"
        assert found["open_trend"] == "▼ 1 (5)"
        assert found["on_time_trend"] == "= 0 (1)"
        assert found["satisfaction_rate_trend"] == "▼ 50.0 điểm (100.0%)"
        assert found["online_payment_rate_trend"] == "–"
        assert found["rule"] == "thời điểm / instant"

    @pytest.mark.parametrize("period", PERIODS)
    def test_the_wall_agrees_with_the_analysts_views(self, seeded_city: Client, period: Period) -> None:
        found = one(seeded_city, query("city", period=period))
        analyst = one(
            seeded_city,
            "SELECT sum(agency_windows.received) AS received, sum(agency_windows.on_time) AS on_time, "
            "sum(judged) - on_time AS late FROM agency_windows "
            f"WHERE period = '{period}' AND start = (SELECT start FROM city_figures WHERE period = '{period}')",
        )
        analyst |= one(seeded_city, "SELECT count() AS overdue FROM overdue_dossiers")
        analyst |= one(seeded_city, "SELECT countIf(is_open) AS open FROM dossiers")
        assert {name: found[name] for name in analyst} == analyst

    @pytest.mark.parametrize("period", PERIODS)
    def test_what_is_rolled_up_is_what_windows_and_facts_say(
        self, seeded_city: Client, big_city: Client, period: Period
    ) -> None:
        assert one(big_city, query("city", period=period)) == one(seeded_city, query("city", period=period))

    def test_in_a_big_city_too_an_event_of_today_shows_at_once(self, clickhouse: ClickHouseConnection) -> None:
        client = connect(clickhouse)
        grow(client)
        now = datetime.now(UTC)
        count(clickhouse, *waiting("new", "H26.01", midnight(), now + timedelta(days=9)), published=now)
        found = one(client, query("city", period="year"))
        assert (found["received"], found["open"], found["overdue"]) == (1, 1, 0)
        client.disconnect()

    def test_in_a_big_city_too_a_term_that_passes_needs_no_refresh(self, clickhouse: ClickHouseConnection) -> None:
        client = connect(clickhouse)
        term = datetime.now(UTC) + timedelta(seconds=4)
        count(clickhouse, *waiting("new", "H26.01", midnight(2), term), published=datetime.now(UTC))
        grow(client)
        overdue = "SELECT overdue FROM city_figures WHERE period = 'day'"
        assert client.execute(overdue) == [(0,)]
        while datetime.now(UTC) <= term:
            time.sleep(0.1)
        assert client.execute(overdue) == [(1,)]
        client.disconnect()

    def test_numbers_in_words_are_written_as_grafana_writes_those_beside_them(self, seeded_city: Client) -> None:
        values = {"period": "'day'"}
        for figure in FIGURES:
            now, before = ("0.9365", "0.9461") if figure.unit == "share" else ("1234567", "999")
            values |= {figure.name: now, f"{figure.name}_before": before}
        values |= {"open": "1000", "open_before": "2345678", "received": "toNullable(100)", "received_before": "100"}
        row = f"(SELECT {', '.join(f'{value} AS {name}' for name, value in values.items())}) AS city_figures"
        found = one(seeded_city, query("city", period="day").replace("FROM city_figures", f"FROM {row}"))
        assert found["overdue_trend"] == "▲ 1,233,568 (999)"
        assert found["open_trend"] == "▼ 2,344,678 (2,345,678)"
        assert found["received_trend"] == "= 0 (100)"
        assert found["online_rate_trend"] == "▼ 1.0 điểm (94.6%)"

    @pytest.mark.parametrize("refreshed", [None, timedelta(minutes=11)])
    def test_what_is_overdue_is_unknown_where_nobody_looked(
        self, clickhouse: ClickHouseConnection, refreshed: timedelta | None
    ) -> None:
        client = connect(clickhouse)
        now = datetime.now(UTC)
        count(clickhouse, *waiting("late", "H26.01", midnight(2), now - timedelta(hours=1)), published=now)
        refresh(client)
        assert one(client, query("city", period="day"))["overdue"] == 1
        client.execute("DROP VIEW refresh_city_waiting")
        client.execute("TRUNCATE TABLE city_waiting")
        if refreshed:
            client.execute("INSERT INTO city_waiting (kind, due_at) VALUES", [("refreshed", now - refreshed)])
        found = client.execute("SELECT open, overdue, overall_on_time_rate FROM city_figures WHERE period = 'day'")
        assert found == [(1, None, None)]
        client.disconnect()

    @pytest.mark.parametrize("period", PERIODS)
    def test_where_nothing_was_counted_no_rate_is_a_number(self, empty_city: Client, period: Period) -> None:
        found = one(empty_city, query("city", period=period))
        assert {name: found[name] for name in RATES} == dict.fromkeys(RATES)
        assert {found[f"{name}_trend"] for name in RATES} == {"–"}
        counts = {figure.name for figure in FIGURES} - set(RATES)
        assert {found[name] for name in counts} == {None}, "0 would look well where nothing is known"

    def test_the_age_of_the_data_is_that_of_the_newest_counted_event(
        self, seeded_city: Client, empty_city: Client
    ) -> None:
        assert 0 <= one(seeded_city, query("data_age"))["seconds"] < 600
        assert one(empty_city, query("data_age")) == {"seconds": None, "published_local": None}
        assert status(DATA_AGE, 301) == "missed"
