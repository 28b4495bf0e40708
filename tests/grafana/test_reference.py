"""Reference data on dashboards: names for codes, the tree of agencies, groups, procedures, and what is not declared."""

from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_driver import Client

from grafana.analyst_dashboards.ranking import RATES
from grafana.build import DASHBOARDS
from grafana.sql_queries import ALL
from grafana.thresholds import ON_TIME
from schemas.events import Event, Received
from streams.storage.clickhouse_client import connect
from tests.databases import Databases
from tests.grafana.city import GROUP, HOSTILE, LEAVING, NAME, SHOWN_NAME, midnight, resolved
from tests.grafana.conftest import refresh
from tests.grafana.declared import Declare
from tests.grafana.test_analyst_dashboards import ask, board_of, shown
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse

UNDECLARED = "chưa khai báo / not declared"


def choices(client: Client, uid: str, name: str, **chosen: str | list[str]) -> dict[str, str]:
    """The choices of a variable, texts by values, in their order."""
    (variable,) = [each for each in board_of(uid)["templating"]["list"] if each["name"] == name]
    rows = ask(client, variable["query"], **({"province": [ALL], "district": [ALL]} | chosen))
    return {row["value"]: row["label"] for row in rows}


class TestChoices:
    def test_each_list_lies_within_the_former_in_the_order_of_the_tree(self, declared_city: Client) -> None:
        uid = "dossiers-late"
        assert choices(declared_city, uid, "province") == {
            "H26": "UBND thành phố Hà Nội",
            "H29": "UBND Thành phố Hồ Chí Minh",
        }
        assert list(choices(declared_city, uid, "district")) == ["H26.01", "H26.02", "H29.01"]
        assert choices(declared_city, uid, "district", province=["H29"]) == {"H29.01": "Sở Nội vụ"}
        within = choices(declared_city, uid, "agency", province=["H26"])
        assert list(within) == ["H26", "H26.01", "H26.01.05", "H26.02", "H26.60", "H26.50.01", "H26.50.02", "H26.61"]
        assert list(choices(declared_city, uid, "agency", district=["H26.01"])) == ["H26.01", "H26.01.05"]
        everything = choices(declared_city, uid, "agency")
        assert everything["O'Brien"] == f"O'Brien – {UNDECLARED}"
        assert everything.keys() > within.keys()

    def test_offices_that_only_took_dossiers_in_can_be_chosen(self, databases: Databases) -> None:
        event = Received(
            id="1", dossier="1", source="one-stop", occurred_at=midnight(), agency="H26.01", receiver=LEAVING
        )
        with databases.lend() as plan:
            count(plan.clickhouse, event)
            client = connect(plan.clickhouse)
            refresh(client)
            assert choices(client, "dossiers-agency", "agency") == {LEAVING: LEAVING, "H26.01": "H26.01"}
            client.disconnect()

    def test_texts_are_names_short_enough_for_a_list_and_never_two_of_one_text(self, declared_city: Client) -> None:
        found = choices(declared_city, "dossiers-agency", "agency")
        assert found["H26.01"] == "Sở Nội vụ (H26.01)"
        assert found["H29.01"] == "Sở Nội vụ (H29.01)"
        assert found["H26.60"] == f"{SHOWN_NAME[:79]}…"
        assert len(set(found.values())) == len(found)
        assert "000.00.00.H26" not in found, "an alias is no agency of its own"

    @pytest.mark.parametrize("nothing", [ALL, ""])
    def test_without_reference_data_every_counted_code_can_be_chosen(self, seeded_city: Client, nothing: str) -> None:
        chosen = {"province": [nothing], "district": [nothing]}
        found = choices(seeded_city, "dossiers-late", "agency", **chosen)
        assert found == {"H26.01": "H26.01", "H26.02": "H26.02", HOSTILE: HOSTILE}
        assert choices(seeded_city, "dossiers-late", "province") == {}
        assert choices(seeded_city, "dossiers-late", "district") == {}
        assert choices(seeded_city, "dossiers-ranking", "group") == {}

    def test_groups_whatever_they_are_called(self, declared_city: Client) -> None:
        assert set(choices(declared_city, "dossiers-ranking", "group")) == {GROUP, "Xã, phường"}


class TestScope:
    @pytest.mark.parametrize(
        ("chosen", "late"),
        [
            ({}, ["long overdue", "old and overdue", "overdue"]),
            ({"province": ["H26"]}, ["old and overdue"]),
            # An alias stands for its agency.
            ({"province": ["000.00.00.H26"]}, ["old and overdue"]),
            ({"province": ["H29"]}, []),
            ({"province": ["H26"], "district": ["H26.01"]}, []),
            # The successor has what waits in the ward that is gone.
            ({"agency": ["H26.60"]}, ["old and overdue"]),
            ({"agency": ["H26.50.01"]}, ["old and overdue"]),
            ({"agency": ["H26.50.02"]}, []),
            ({"agency": [HOSTILE, "H26.60"]}, ["long overdue", "old and overdue", "overdue"]),
            # A district that is gone has no ward today.
            ({"district": ["H26.50"]}, []),
            ({"province": [LEAVING]}, []),
            ({"province": ["H26", LEAVING]}, ["old and overdue"]),
        ],
    )
    def test_a_choice_is_itself_and_all_below_today(
        self, declared_city: Client, chosen: dict[str, list[str]], late: list[str]
    ) -> None:
        rows = shown(declared_city, "dossiers-late", "Overdue", **chosen)
        assert [row["dossier"] for row in rows] == late
        (tile,) = shown(declared_city, "dossiers-late", "Overdue dossiers of an agency", **chosen)
        assert tile["overdue"] == len(late) or (not late and tile["overdue"] is None)

    def test_payments_of_a_province_are_those_of_its_agencies(self, declared_city: Client) -> None:
        rows = shown(declared_city, "dossiers-payments", "By agency", province=["H26"])
        # Each resolved dossier was paid once, online.
        assert {row["agency"]: row["payments"] for row in rows} == {
            "H26.01": 2,
            "H26.01.05": 1,
            "H26.02": 2,
            "H26.50.01": 2,
            "H26.50.02": 1,
            "H26.60": 1,
        }
        assert shown(declared_city, "dossiers-payments", "Payments", province=["H26"]) == [{"payments": 9}]


class TestNames:
    def test_late_dossiers_have_names_beside_their_codes(self, declared_city: Client) -> None:
        rows = {row["dossier"]: row for row in shown(declared_city, "dossiers-late", "Overdue")}
        old, foreign = rows["old and overdue"], rows["overdue"]
        assert (old["agency"], old["agency_name"]) == ("H26.50.01", "Phường Cống Vị")
        assert (old["procedure"], old["procedure_name"]) == ("1.000002", f"1.000002 – {UNDECLARED}")
        assert (foreign["agency"], foreign["agency_name"]) == (HOSTILE, f"{HOSTILE} – {UNDECLARED}")

    def test_a_hostile_name_is_whole_on_one_line_and_nothing_but_text(self, declared_city: Client) -> None:
        (now,) = shown(declared_city, "dossiers-dossier", "As of now", dossier="taken in elsewhere")
        assert (now["agency_name"], now["receiver"], now["receiver_name"]) == ("Sở Tài chính", "H26.60", SHOWN_NAME)
        assert len(NAME) == 300
        assert "<b>&amp;</b> 'Ngọc Hà' | $agency ${agency} $1 {a} dài" in SHOWN_NAME
        assert now["procedure_name"] == "Cấp <giấy> 'khai sinh' | \"$1\""

    def test_a_link_leads_to_the_agency_for_which_an_alias_stands(self, declared_city: Client) -> None:
        (now,) = shown(declared_city, "dossiers-dossier", "As of now", dossier="by an alias")
        assert (now["agency"], now["agency_name"], now["receiver"]) == ("H26", "UBND thành phố Hà Nội", "")
        assert now["agency"] in choices(declared_city, "dossiers-agency", "agency")

    def test_the_history_tells_names_with_their_codes(self, declared_city: Client) -> None:
        (event,) = shown(declared_city, "dossiers-dossier", "History", dossier="taken in elsewhere")
        assert event["content"] == (
            "đơn vị / agency: Sở Tài chính (H26.02); kênh nộp / channel: bưu chính / postal; "
            "thủ tục / procedure: Cấp <giấy> 'khai sinh' | \"$1\" (1.000001); "
            f"nơi tiếp nhận / receiver: {SHOWN_NAME} (H26.60); có phí / bears a fee: không / no"
        )

    def test_without_reference_data_a_code_is_its_own_name(self, seeded_city: Client) -> None:
        for row in shown(seeded_city, "dossiers-late", "Overdue"):
            assert (row["agency_name"], row["procedure_name"]) == (row["agency"], row["procedure"])
        rows = shown(seeded_city, "dossiers-ranking", "Agency ranking", period="year")
        assert rows
        assert all(row["agency_name"] == row["agency"] for row in rows)

    def test_wherever_an_agency_or_procedure_is_shown_its_code_is_the_tooltip(self) -> None:
        tables = [each for board in DASHBOARDS for each in board["panels"] if each["type"] == "table"]
        named = 0
        for each in tables:
            fields = {
                override["matcher"]["options"]: {value["id"]: value["value"] for value in override["properties"]}
                for override in each["fieldConfig"]["overrides"]
            }
            for code in fields.keys() & {"agency", "receiver", "procedure"}:
                named += 1
                assert fields[code]["custom.hideFrom.viz"] is True
                assert fields[f"{code}_name"]["custom.tooltip.field"] == code
                for link in fields[f"{code}_name"].get("links", []):
                    assert link["url"] == f"/d/dossiers-agency?var-agency=${{__data.fields.{code}:percentencode}}"
        assert named >= 12


class TestOneAgency:
    def rows(self, client: Client, agency: str) -> dict[str, tuple[Any, ...]]:
        found = shown(client, "dossiers-agency", "The agency and those below it", agency=agency, period="day")
        columns = ("agency", "received", "resolved", "on_time_rate", "open", "overdue")
        return {
            row["part_of"] if row["part_of"] in {"all", "own"} else row["agency"]: tuple(row[each] for each in columns)
            for row in found
        }

    def test_the_whole_its_own_and_each_below_by_hand(self, declared_city: Client) -> None:
        assert self.rows(declared_city, "H26") == {
            "all": ("H26", 4, 3, 2 / 3, 6, 1),
            "own": ("H26", 1, 0, None, 1, 0),
            "H26.01": ("H26.01", 1, 2, 0.5, 2, 0),
            "H26.02": ("H26.02", 1, 0, None, 1, 0),
            # What waits in the two wards that were merged waits in the new one.
            "H26.60": ("H26.60", 1, 1, 1.0, 2, 1),
            # Declared, and nothing was ever counted: unknown is not 0.
            "H26.61": ("H26.61", None, None, None, None, None),
        }
        assert self.rows(declared_city, "000.00.00.H26") == self.rows(declared_city, "H26")

    def test_counts_after_the_first_row_add_up_to_it(self, declared_city: Client) -> None:
        for agency in ("H26", "H26.01", "H26.60", "H29", HOSTILE):
            whole, *parts = self.rows(declared_city, agency).values()
            for column in (1, 2, 4, 5):
                assert whole[column] == sum(part[column] or 0 for part in parts), (agency, column)

    def test_names_levels_and_their_order(self, declared_city: Client) -> None:
        found = shown(declared_city, "dossiers-agency", "The agency and those below it", agency="H26", period="day")
        assert [(row["part_of"], row["agency_name"]) for row in found] == [
            ("all", "UBND thành phố Hà Nội"),
            ("own", "UBND thành phố Hà Nội"),
            ("commune", SHOWN_NAME),
            ("commune", "Phường Mới"),
            ("department", "Sở Nội vụ"),
            ("department", "Sở Tài chính"),
        ]

    def test_an_undeclared_agency_is_a_root_of_its_own(self, declared_city: Client) -> None:
        assert self.rows(declared_city, HOSTILE) == {
            "all": (HOSTILE, 0, 1, 0.0, 2, 2),
            "own": (HOSTILE, 0, 1, 0.0, 2, 2),
        }
        assert self.rows(declared_city, "nowhere") == {}

    def test_a_merged_ward_has_its_own_alone_and_its_successor_all(self, declared_city: Client) -> None:
        assert self.rows(declared_city, "H26.50.01") == {
            "all": ("H26.50.01", 0, 0, None, 1, 1),
            "own": ("H26.50.01", 0, 0, None, 1, 1),
        }
        days = shown(declared_city, "dossiers-agency", "Received and resolved a day", agency="H26.60", period="day")
        # The history of both wards: three were resolved forty days ago, one of them late; one today.
        assert [
            (row["Giải quyết / Resolved"], row["Quá hạn / Late"]) for row in days if row["Giải quyết / Resolved"]
        ] == [
            (3, 1),
            (1, 0),
        ]

    def test_tiles_have_all_below(self, declared_city: Client) -> None:
        tiles = {
            english: list(shown(declared_city, "dossiers-agency", english, agency="H26", period="day")[0].values())
            for english in ("Overdue dossiers of an agency", "Being processed", "Received", "On-time rate")
        }
        assert tiles == {
            "Overdue dossiers of an agency": [1],
            "Being processed": [6],
            "Received": [4],
            "On-time rate": [2 / 3],
        }
        (backlog,) = shown(declared_city, "dossiers-agency", "Backlog by age", agency="H26", period="day")
        assert backlog == {"under_5": 4, "from_5": 1, "from_15": 0, "from_30": 1, "from_90": 0}


@pytest.fixture(scope="module")
def ranked(declare: Declare) -> Iterator[Client]:
    """Departments of 40, 25 and 20 cases, a ward of 30 whose district is none of them, and an undeclared agency."""
    events: list[Event] = []
    cases = {
        "H26.01": (36, 4),
        "H26.01.05": (0, 10),
        "H26.02": (20, 5),
        "H29.01": (20, 0),
        "H26.60": (30, 0),
        HOSTILE: (1, 29),
    }
    for agency, (fine, late) in cases.items():
        for number in range(fine + late):
            events += resolved(f"{agency} {number}", agency, midnight(), late=number >= fine)
    with declare(events) as client:
        yield client


class TestGroups:
    def rows(self, client: Client, **chosen: str | list[str]) -> list[tuple[Any, ...]]:
        found = shown(client, "dossiers-ranking", "Agency ranking", rate="on_time_rate", period="day", **chosen)
        return [(row["rank"], row["agency"], row["rate"], row["peers"], row["peers_median"]) for row in found]

    def test_peers_are_those_of_the_group(self, ranked: Client) -> None:
        assert self.rows(ranked, group=[GROUP]) == [
            (1, "H29.01", 1.0, 2, 0.9),
            (2, "H26.01", 0.9, 2, 0.9),
            (3, "H26.02", 0.8, 2, 0.9),
        ]
        assert self.rows(ranked, group=["Xã, phường"]) == [(1, "H26.60", 1.0, 0, 1.0)]
        assert self.rows(ranked, group=[GROUP, "Xã, phường"], province=["H29"]) == [(1, "H29.01", 1.0, 0, 1.0)]
        assert self.rows(ranked, group=[LEAVING]) == []

    def test_everybody_is_ranked_where_no_group_is_chosen(self, ranked: Client) -> None:
        assert [row[1] for row in self.rows(ranked)] == ["H26.60", "H29.01", "H26.01", "H26.02", HOSTILE, "H26.01.05"]

    def test_with_all_below_a_department_answers_for_its_centre(self, ranked: Client) -> None:
        found = {row[1]: row[2] for row in self.rows(ranked, group=[GROUP], counts="below")}
        assert found == {"H29.01": 1.0, "H26.01": 36 / 50, "H26.02": 0.8}
        provinces = {row[1]: row[2] for row in self.rows(ranked, counts="below")}
        assert provinces["H26"] == (36 + 20 + 30) / (50 + 25 + 30)

    @pytest.mark.parametrize("figure", [figure for figure, *_ in RATES], ids=lambda figure: figure.name)
    def test_each_rate_by_node(self, declared_city: Client, figure: Any) -> None:
        rows = shown(
            declared_city, "dossiers-ranking", "Agency ranking", rate=figure.name, period="year", counts="below"
        )
        assert {row["agency"] for row in rows} <= {
            "H26",
            "H26.01",
            "H26.01.05",
            "H26.02",
            "H26.60",
            "H29",
            "H29.01",
            HOSTILE,
        }
        assert figure is not ON_TIME or rows


class TestProcedures:
    def test_by_procedure_by_hand(self, declared_city: Client) -> None:
        first, second = shown(declared_city, "dossiers-procedures", "By procedure", province=["H26"])
        assert first == {
            "procedure": "1.000001",
            "procedure_name": "Cấp <giấy> 'khai sinh' | \"$1\"",
            "field": "Hộ tịch",
            "received": 10,
            "online_rate": 0.9,
            "resolved": 9,
            "on_time_rate": 6 / 9,
            "median_days": 10.0,
            "p90_days": 10.0,
            "open": 1,
            "overdue": 0,
        }
        assert (second["procedure_name"], second["field"]) == (f"1.000002 – {UNDECLARED}", UNDECLARED)
        assert (second["received"], second["open"], second["overdue"], second["median_days"]) == (5, 5, 1, None)

    def test_by_field_adds_up_to_all(self, declared_city: Client) -> None:
        rows = {row["field"]: row for row in shown(declared_city, "dossiers-procedures", "By field")}
        assert set(rows) == {"Hộ tịch", UNDECLARED}
        assert (rows["Hộ tịch"]["received"], rows[UNDECLARED]["received"]) == (12, 7)

    def test_what_is_offered_online_and_used(self, declared_city: Client) -> None:
        found = shown(declared_city, "dossiers-procedures", "Procedures offered online")
        assert [
            (row["service_level"], row["procedures"], row["procedures_share"], row["used"], row["used_online"])
            for row in found
        ] == [
            ("all", 3, 1.0, 1, 1),
            ("online", 2, 2 / 3, 1, 1),
            ("full", 1, 1 / 3, 1, 1),
            ("3", 1, 1 / 3, 0, 0),
            ("information", 1, 1 / 3, 0, 0),
        ]

    def test_without_reference_data_there_are_codes_and_no_offers(self, seeded_city: Client) -> None:
        assert shown(seeded_city, "dossiers-procedures", "Procedures offered online") == []
        rows = shown(seeded_city, "dossiers-procedures", "By procedure")
        assert [(row["procedure"], row["procedure_name"], row["field"]) for row in rows] == [
            ("1.000001", "1.000001", ""),
            ("1.000002", "1.000002", ""),
        ]
        (field,) = shown(seeded_city, "dossiers-procedures", "By field")
        assert field["field"] == ""
