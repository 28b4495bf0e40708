"""The figures of the analysts' dashboards are those of the views, for what was chosen and nothing else."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_driver import Client

from grafana.analyst_dashboards.ranking import RATES, ranking
from grafana.build import DASHBOARDS
from grafana.code_labels import RULES
from grafana.panels import ORANGE
from grafana.sql_macros import Context, expand
from grafana.sql_queries import ALL
from grafana.thresholds import AUDIT_AGE, MINIMUM_VOLUME, ON_TIME, WORKERS, status
from grafana.variables import PERIOD
from schemas.connection import ClickHouseConnection
from schemas.events import Event
from streams.storage.clickhouse_client import connect
from tests.databases import Databases
from tests.grafana.city import HOSTILE, LEAVING, midnight, resolved, waiting
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse

Rows = list[dict[str, Any]]


def board_of(uid: str) -> dict[str, Any]:
    """The dashboard of this identity."""
    (board,) = [board for board in DASHBOARDS if board["uid"] == uid]
    return board


def panel(uid: str, english: str) -> dict[str, Any]:
    """The panel of a dashboard by the English half of its title."""
    board = board_of(uid)
    (found,) = [panel for panel in board["panels"] if panel["title"].partition(" / ")[2] == english]
    return dict(found)


def ask(client: Client, sql: str, **chosen: str | Sequence[str]) -> Rows:
    """The rows of a query with these choices."""
    rows, columns = client.execute(expand(sql, Context(variables=chosen)), with_column_types=True)
    return [dict(zip([name for name, _ in columns], row, strict=True)) for row in rows]


def shown(client: Client, uid: str, english: str, **chosen: str | Sequence[str]) -> Rows:
    """What a panel shows: of variables without a choice, the default is chosen."""
    variables = board_of(uid)["templating"]["list"]
    defaults = {variable["name"]: variable["current"]["value"] for variable in variables if "current" in variable}
    return ask(client, panel(uid, english)["targets"][0]["rawSql"], **(defaults | chosen))


@pytest.fixture(scope="module")
def ranked(databases: Databases) -> Iterator[Client]:
    """Four agencies: big and good, big and bad, of half the volume, and too small for a rank."""
    events: list[Event] = []
    for agency, fine, late in (("A", 39, 1), (HOSTILE, 20, 20), ("half", 25, 0), ("small", 5, 0)):
        for number in range(fine + late):
            events += resolved(f"{agency} {number}", agency, midnight(), late=number >= fine)
    with databases.lend() as plan:
        own = plan.clickhouse
        count(own, *events, published=datetime.now(UTC))
        client = connect(own)
        yield client
        client.disconnect()


class TestRanking:
    def rows(self, client: Client, rate: str) -> Rows:
        return shown(client, "dossiers-ranking", "Agency ranking", rate=rate, period="day")

    def test_each_rate_with_what_it_is_made_of(self, ranked: Client) -> None:
        found = self.rows(ranked, "on_time_rate")
        assert [(row["rank"], row["agency"], row["numerator"], row["denominator"], row["rate"]) for row in found] == [
            (1, "half", 25, 25, 1.0),
            (2, "A", 39, 40, 0.975),
            (3, HOSTILE, 20, 40, 0.5),
            (None, "small", 5, 5, 1.0),
        ]
        assert {row["target"] for row in found} == {ON_TIME.target}
        assert [row["against_target"].split()[0] for row in found] == ["ĐẠT", "CHƯA", "CHƯA", "quá"]
        assert MINIMUM_VOLUME == 20

    def test_peers_are_of_half_to_twice_the_volume(self, ranked: Client) -> None:
        found = {row["agency"]: row for row in self.rows(ranked, "on_time_rate")}
        assert (found["A"]["peers"], found["A"]["peers_median"]) == (2, 0.975)
        assert (found["small"]["peers"], found["small"]["peers_median"]) == (0, None)

    @pytest.mark.parametrize("figure", [figure for figure, *_ in RATES], ids=lambda figure: figure.name)
    def test_every_rate_is_that_of_the_view(self, seeded_city: Client, figure: Any) -> None:
        found = shown(seeded_city, "dossiers-ranking", "Agency ranking", rate=figure.name, period="year")
        rows = seeded_city.execute(
            f"SELECT agency, {figure.name} FROM agency_windows WHERE period = 'year' "
            "AND start = toStartOfYear(now(), 'Asia/Ho_Chi_Minh')"
        )
        assert {row["agency"]: row["rate"] for row in found} == {
            agency: rate for agency, rate in rows if rate is not None
        }

    def test_a_rate_and_a_period_can_be_chosen_that_exist(self) -> None:
        rate, period, *_ = ranking()["templating"]["list"]
        assert [option["value"] for option in rate["options"]] == [figure.name for figure, *_ in RATES]
        assert period == PERIOD


class TestAgency:
    def test_the_tiles_are_of_the_agency_alone(self, seeded_city: Client) -> None:
        chosen = {"agency": HOSTILE, "period": "day"}
        tiles = {
            english: list(shown(seeded_city, "dossiers-agency", english, **chosen)[0].values())
            for english in ("Overdue dossiers of an agency", "Being processed", "Received", "On-time rate")
        }
        assert tiles == {
            "Overdue dossiers of an agency": [2],
            "Being processed": [2],
            "Received": [0],
            "On-time rate": [0.0],
        }

    def test_an_agency_that_does_not_exist_has_no_rates(self, seeded_city: Client) -> None:
        (row,) = shown(seeded_city, "dossiers-agency", "Online payment rate", agency="nowhere", period="month")
        assert row == {"online_payment_rate": None}

    def test_every_open_dossier_is_in_one_class_of_age(self, seeded_city: Client) -> None:
        (found,) = shown(seeded_city, "dossiers-agency", "Backlog by age", agency=HOSTILE)
        assert list(found.values()) == [0, 0, 1, 1, 0]
        assert found["from_15"] == found["from_30"] == 1

    def test_of_an_agency_that_does_not_exist_nothing_is_known(self, seeded_city: Client) -> None:
        # Not 0, which is green: a name with a slip would look like an agency without a backlog.
        for english in ("Backlog by age", "Overdue dossiers of an agency", "Due soon", "Being processed"):
            (found,) = shown(seeded_city, "dossiers-agency", english, agency="x", period="day")
            assert set(found.values()) == {None}
        (found,) = shown(seeded_city, "dossiers-late", "Overdue dossiers of an agency", agency=["x"])
        assert found == {"overdue": None}

    def test_procedures_with_median_and_p90_days(self, seeded_city: Client) -> None:
        found = shown(seeded_city, "dossiers-agency", "By procedure", agency="H26.02")
        assert found == [
            {
                "procedure": "1.000001",
                "procedure_name": "1.000001",
                "received": 2,
                "open": 0,
                "overdue": 0,
                "on_time_rate": 0.5,
                "median_days": 10.0,
                "p90_days": 10.0,
            }
        ]

    def test_days_add_up_to_the_windows(self, seeded_city: Client) -> None:
        found = shown(seeded_city, "dossiers-agency", "Received and resolved a day", agency="H26.01")
        received, resolved_ = seeded_city.execute(
            "SELECT sum(received), sum(resolved) FROM windows FINAL WHERE agency = 'H26.01'"
        )[0]
        assert sum(row["Tiếp nhận / Received"] for row in found) == received
        assert sum(row["Giải quyết / Resolved"] for row in found) == resolved_


class TestRules:
    def test_the_same_dossiers_stand_side_by_side_by_four_rules(self, seeded_city: Client) -> None:
        found = shown(seeded_city, "dossiers-rules", "The chosen agencies", agency=[ALL], period="year")
        assert [row["rule"] for row in found] == list(RULES)
        assert len({row["dossiers"] for row in found}) == 1
        for row in found:
            counts = ("received_online", "received_otherwise", "carried_over")
            assert row["dossiers"] == sum(row[name] for name in counts) == row["ended"] + row["pending"]
            assert row["dossiers"] == sum(row[name] for name in ("early", "on_time", "late", "in_term", "overdue"))

    def test_each_agency_has_its_four_lines(self, seeded_city: Client) -> None:
        found = shown(seeded_city, "dossiers-rules", "Each agency", agency=[HOSTILE], period="year")
        assert [(row["agency"], row["rule"]) for row in found] == [(HOSTILE, rule) for rule in RULES]
        assert found[0]["overdue"] == 2

    def test_it_says_which_rule_leads(self, seeded_city: Client) -> None:
        found = shown(seeded_city, "dossiers-rules", "Elsewhere terms are compared by")
        assert found == [{"rule": "thời điểm / instant"}]


class TestLate:
    @pytest.mark.parametrize(
        ("agency", "late", "soon"),
        [
            ([ALL], ["long overdue", "overdue"], ["due soon"]),
            ([HOSTILE], ["long overdue", "overdue"], []),
            (["H26.01"], [], ["due soon"]),
        ],
    )
    def test_the_most_urgent_come_first(
        self, seeded_city: Client, agency: list[str], late: list[str], soon: list[str]
    ) -> None:
        assert [row["dossier"] for row in shown(seeded_city, "dossiers-late", "Overdue", agency=agency)] == late
        assert [row["dossier"] for row in shown(seeded_city, "dossiers-late", "Soon late", agency=agency)] == soon
        (counts,) = shown(seeded_city, "dossiers-late", "Overdue dossiers of an agency", agency=agency)
        assert counts == {"overdue": len(late)}

    def test_a_dossier_leads_to_its_history_and_an_agency_to_its_dashboard(self) -> None:
        overrides = panel("dossiers-late", "Overdue")["fieldConfig"]["overrides"]
        links = {
            each["matcher"]["options"]: value["value"][0]["url"]
            for each in overrides
            for value in each["properties"]
            if value["id"] == "links"
        }
        assert links == {
            "dossier": "/d/dossiers-dossier?var-dossier=${__value.raw:percentencode}",
            "agency_name": "/d/dossiers-agency?var-agency=${__data.fields.agency:percentencode}",
        }


class TestDossier:
    def test_the_whole_history_of_one_dossier(self, seeded_city: Client) -> None:
        found = shown(seeded_city, "dossiers-dossier", "History", dossier="today late")
        assert {row["kind"] for row in found} == {"received", "term_set", "paid", "digitised", "resolved", "rated"}
        assert [row["occurred_at"] for row in found] == sorted(row["occurred_at"] for row in found)
        assert all(row["place"].count("@") == 1 for row in found)
        (now,) = shown(seeded_city, "dossiers-dossier", "As of now", dossier="today late")
        assert (now["agency"], now["in_time"], now["paid_amount"]) == (HOSTILE, "không / no", 50_000)

    def test_an_event_is_told_in_words(self, seeded_city: Client) -> None:
        found = shown(seeded_city, "dossiers-dossier", "History", dossier="today late")
        said = {row["kind"]: row["content"] for row in found}
        assert said["received"] == (
            f"đơn vị / agency: {HOSTILE}; kênh nộp / channel: trực tuyến / online; thủ tục / procedure: 1.000001; "
            "có phí / bears a fee: có / yes"
        )
        assert said["paid"].startswith("giao dịch / transaction: today late 1; số tiền / amount: 50,000 đ; ")
        assert said["paid"].endswith("hình thức / method: trực tuyến / online")
        assert said["term_set"] == f"hạn trả / term: {midnight(1):%d/%m/%Y} 00:00"
        assert said["resolved"] == "kết quả điện tử / electronic result: không / no"

    @pytest.mark.parametrize("dossier", ["", HOSTILE, "' OR 1 = 1 --", LEAVING, "\\"])
    def test_a_number_that_does_not_exist_shows_nothing(self, seeded_city: Client, dossier: str) -> None:
        for english in ("As of now", "History", "Alerts"):
            assert shown(seeded_city, "dossiers-dossier", english, dossier=dossier) == []


NAMES = [
    "O'Brien",
    "\\",
    "'",
    "\\'",
    LEAVING,
    "%27%5C",
    "two\nlines",
    "a\x00b",
    "{a,b}",
    "Sở Văn hóa, Thể thao",
    "Sở Văn hóa",
    " Thể thao",
    "a&var-agency=b=c",
    "+ +",
    "${agency}",
    "$1 $& $_",
    "😀",
    "All",
    # Grafana takes these for numbers where a column is not said to be text.
    "1.001193",
    "007",
    "1e5",
    "2.617E+16",
    "0x1F",
]


@pytest.fixture(scope="module")
def odd_agencies(databases: Databases) -> Iterator[Client]:
    """A dossier of each agency whose name hurts careless quoting, encoding or splitting: open, and overdue."""
    past = datetime.now(UTC) - timedelta(days=2)
    with databases.lend() as plan:
        own = plan.clickhouse
        events = [event for name in NAMES for event in waiting(f"of {name}", name, past - timedelta(days=2), past)]
        count(own, *events, published=datetime.now(UTC))
        client = connect(own)
        yield client
        client.disconnect()


class TestHostileNames:
    @pytest.mark.parametrize("name", NAMES)
    def test_an_agency_has_its_own_dossiers_and_no_others(self, odd_agencies: Client, name: str) -> None:
        found = shown(odd_agencies, "dossiers-late", "Overdue", agency=[name])
        assert [row["agency"] for row in found] == [name]
        (tile,) = shown(odd_agencies, "dossiers-agency", "Overdue dossiers of an agency", agency=name, period="day")
        assert tile == {"overdue": 1}
        (now,) = shown(odd_agencies, "dossiers-dossier", "As of now", dossier=f"of {name}")
        assert now["agency"] == name

    @pytest.mark.parametrize(
        "name", [f"{LEAVING}{NAMES[0]}", "\\' OR '1'='1", "x' OR 1=1 -- ", "$__fromTime", "{", "%"]
    )
    def test_a_name_that_does_not_exist_has_none(self, odd_agencies: Client, name: str) -> None:
        assert shown(odd_agencies, "dossiers-late", "Overdue", agency=[name]) == []
        assert shown(odd_agencies, "dossiers-agency", "By procedure", agency=name) == []

    def test_several_are_chosen_each_as_it_is(self, odd_agencies: Client) -> None:
        for names in (NAMES[:6], ["Sở Văn hóa, Thể thao", "{a,b}"], NAMES[3:9]):
            found = shown(odd_agencies, "dossiers-late", "Overdue", agency=names)
            assert {row["agency"] for row in found} == set(names)

    @pytest.mark.parametrize("everything", [ALL, [ALL], "", [""]])
    def test_all_or_nothing_chosen_is_all(self, odd_agencies: Client, everything: str | list[str]) -> None:
        found = shown(odd_agencies, "dossiers-late", "Overdue", agency=everything)
        assert {row["agency"] for row in found} == set(NAMES)


class TestPayments:
    def test_the_rows_of_agencies_add_up_to_the_sums(self, seeded_city: Client) -> None:
        rows = shown(seeded_city, "dossiers-payments", "By agency", agency=[ALL])
        for english, column in (("Payments", "payments"), ("Paid", "paid_amount"), ("Refunded", "refunded_amount")):
            (total,) = shown(seeded_city, "dossiers-payments", english, agency=[ALL])
            assert total == {column: sum(row[column] for row in rows)}
        (rate,) = shown(seeded_city, "dossiers-payments", "Online payment rate", agency=[ALL])
        assert rate["online_payment_rate"] == sum(row["fee_paid_online"] for row in rows) / sum(
            row["fee_bearing"] for row in rows
        )


class TestAlerts:
    def test_what_stands_by_urgency_whatever_the_levels_are_called(self, clickhouse: ClickHouseConnection) -> None:
        client = connect(clickhouse)
        title = "Alerts that stand, by level"
        assert set(shown(client, "dossiers-late", title, agency=[ALL])[0].values()) == {None}
        levels = ["due-3d", "due-24h", "overdue", "overdue-12h", "overdue-3d", "overdue-10d", "overdue"]
        rows = [
            {"seq": seq, "dossier": str(seq), "state": "raised", "level": level, "agency": "H26"}
            for seq, level in enumerate(levels, 1)
        ]
        rows.append({"seq": 8, "dossier": "7", "state": "cleared", "level": "overdue", "agency": "H26"})
        client.execute("INSERT INTO dossier_alerts (seq, dossier, state, level, agency) VALUES", rows)
        assert shown(client, "dossiers-late", title, agency=["H26"]) == [{"overdue_days": 2, "overdue": 2, "due": 2}]
        assert shown(client, "dossiers-late", title, agency=["H99"]) == [{"overdue_days": 0, "overdue": 0, "due": 0}]
        client.disconnect()


class TestPipeline:
    def test_what_never_was_is_no_good_news(self, empty_city: Client) -> None:
        tiles = {
            english: list(shown(empty_city, "dossiers-pipeline", english)[0].values())
            for english in (
                "Lag of counting",
                "Workers",
                "Age of the data",
                "Dead-letter ratio",
                "Differences of the last audit",
                "Age of the last audit",
            )
        }
        assert tiles.pop("Workers") == [0]
        assert status(WORKERS, 0) == "missed"
        assert list(tiles.values()) == [[None]] * 5

    def test_no_audit_is_told_in_words_and_amber(self, clickhouse: ClickHouseConnection) -> None:
        for english in ("Differences of the last audit", "Age of the last audit"):
            (override,) = panel("dossiers-pipeline", english)["fieldConfig"]["overrides"]
            (null,) = override["properties"][0]["value"]
            assert null["options"]["result"] == {"text": "chưa kiểm toán / never audited", "color": ORANGE, "index": 9}
        client = connect(clickhouse)
        now = datetime.now(UTC)
        rows = [(now - timedelta(hours=30), 0, 3), (now - timedelta(hours=26), 0, 0)]
        client.execute("INSERT INTO audits (at, facts_differences, window_differences) VALUES", rows)
        assert shown(client, "dossiers-pipeline", "Differences of the last audit") == [{"differences": 0}]
        ((age,),) = (row.values() for row in shown(client, "dossiers-pipeline", "Age of the last audit"))
        assert status(AUDIT_AGE, age) == "watch", "an audit of the day before yesterday says little of today"
        client.disconnect()

    def test_what_workers_wrote_down(self, clickhouse: ClickHouseConnection) -> None:
        client = connect(clickhouse)
        now = datetime.now(UTC)
        rows = [
            {
                "at": now - timedelta(seconds=seconds),
                "worker": worker,
                "lag_events": lag,
                "events": 600,
                "lag_seconds": 0.5,
            }
            for worker, lag in (("one", 10), ("two", 5))
            for seconds in (1, 11, 300)
        ]
        client.execute("INSERT INTO pulse (at, worker, lag_events, events, lag_seconds) VALUES", rows)
        assert shown(client, "dossiers-pipeline", "Workers") == [{"workers": 2}]
        found = shown(client, "dossiers-pipeline", "Events waiting and counted")
        assert {row["Đang chờ / Waiting"] for row in found} == {15}
        assert sum(row["Đếm mỗi giây / Counted a second"] for row in found) * 60 == 3600
        client.disconnect()
