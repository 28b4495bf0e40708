"""The report of a tree has the figures of each node with all below it, by both ways, from windows themselves."""

from typing import Any

import pytest

from schemas.connection import ClickHouseConnection
from schemas.events import Received, Resolved, TermSet
from schemas.reference.agency import Level
from streams.reports.node_report import NOT_DECLARED, NodeReport, Selection, TreeAs, node_report
from streams.reports.report import FIGURES, LED, RATES, report
from streams.storage.clickhouse_client import database
from tests.schemas.reference.agencies import agency
from tests.schemas.reference.test_agency_tree import BEFORE, HANOI, MERGER
from tests.streams.cases import INSTANT, at, said
from tests.streams.counted import count
from tests.streams.declared import declare_agencies

pytestmark = pytest.mark.clickhouse

AGENCIES = [*HANOI, agency("S1", "H26", level="department", name="Sở Xây dựng", aliases=["000.00.01.H26"])]
EVENTS = [
    said(Received, "2025-06-30 23:59", dossier="D1", agency="P1", channel="online"),
    said(TermSet, "2025-06-30 23:59", dossier="D1", term=at("2025-07-03 17:00")),
    said(Resolved, "2025-07-01 00:00", dossier="D1"),
    said(Received, "2025-06-30 08:00", dossier="D2", agency="P2"),
    said(TermSet, "2025-06-30 08:00", dossier="D2", term=at("2025-07-03 17:00")),
    said(Received, "2025-06-30 08:00", dossier="D3", agency="BD"),
    said(Received, "2025-07-01 00:00", dossier="D4", agency="BD-new"),
    said(Received, "2025-07-01 08:00", dossier="D5", agency="000.00.01.H26"),
    said(Received, "2025-07-01 08:00", dossier="D6", agency="nobody"),
]
FIRST_DAY, SECOND_DAY = at("2025-06-30 00:00"), at("2025-07-01 00:00")
Table = dict[str, tuple[Any, ...]]


@pytest.fixture
def counted(clickhouse: ClickHouseConnection) -> ClickHouseConnection:
    count(clickhouse, *EVENTS)
    with database(clickhouse) as client:
        declare_agencies(client, AGENCIES)
    return clickhouse


def table(found: NodeReport, *figures: str) -> Table:
    return {node["code"]: tuple(node[figure] for figure in figures) for node in found.nodes}


def everything(counted: ClickHouseConnection, tree_as: TreeAs, **span: Any) -> Table:
    return table(node_report(counted, INSTANT, Selection(tree=True), tree_as, **span), "received", "resolved", "open")


def test_a_merger_by_both_ways(counted: ClickHouseConnection) -> None:
    assert everything(counted, "today", since=FIRST_DAY, until=SECOND_DAY) == {
        "H26": (3, 0, 4), "BD-new": (3, 0, 3), "NH-new": (0, 0, 0), "P4": (0, 0, 0), "S1": (0, 0, 1),
        "nobody": (0, 0, 1),
    }  # fmt: skip
    # What is open is where it belongs today: there was no new ward then, and its row has nothing else.
    assert everything(counted, "then", since=FIRST_DAY, until=SECOND_DAY) == {
        "H26": (3, 0, 4), "BD": (3, 0, 0), "P1": (1, 0, 0), "P2": (1, 0, 0), "P3": (0, 0, 0), "P4": (0, 0, 0),
        "BD-new": (0, 0, 3), "S1": (0, 0, 1), "nobody": (0, 0, 1),
    }  # fmt: skip
    assert everything(counted, "then", since=SECOND_DAY)["BD-new"] == (1, 1, 3)


def test_both_ways_have_the_total_of_the_plain_report(counted: ClickHouseConnection) -> None:
    plain = report(counted, INSTANT)
    for tree_as in ("then", "today"):
        found = node_report(counted, INSTANT, Selection(tree=True), tree_as)
        assert found.total == plain.total
        roots = [node for node in found.nodes if node["depth"] == 1]
        assert {figure: sum(root[figure] for root in roots) for figure in FIGURES} == {
            figure: plain.total[figure] for figure in FIGURES
        }


def test_each_node_follows_the_one_above_and_its_children_and_own_are_the_node(counted: ClickHouseConnection) -> None:
    found = node_report(counted, INSTANT, Selection(tree=True), "then").nodes
    assert [(node["depth"], node["code"]) for node in found[:4]] == [(1, "H26"), (2, "BD"), (3, "P1"), (3, "P2")]
    above: list[dict[str, Any]] = []
    below = {id(node): dict(node["own"]) for node in found}
    for node in found:
        del above[node["depth"] - 1 :]
        assert node["parent"] == (above[-1]["code"] if above else "")
        if above:
            for figure in FIGURES:
                below[id(above[-1])][figure] += node[figure]
        above.append(node)
    assert [{figure: node[figure] for figure in FIGURES} for node in found] == [below[id(node)] for node in found]


def test_a_level_has_each_of_its_agencies_once_also_without_figures(counted: ClickHouseConnection) -> None:
    assert table(node_report(counted, INSTANT, Selection(level="department")), "received") == {"S1": (1,)}
    found = node_report(counted, INSTANT, Selection(level="commune"), "then")
    # P4 was below the district and is below the city; its parent is that of the last day.
    assert table(found, "received", "parent") == {
        "BD-new": (1, "H26"), "P1": (1, "BD"), "P2": (1, "BD"), "NH-new": (0, "H26"), "P4": (0, "H26"),
    }  # fmt: skip
    assert found.nodes[0].keys() == {
        *("code", "name", "name_en", "parent", "level", "group", "is_declared", "own"), *FIGURES, *LED, *RATES
    }  # fmt: skip


def test_a_level_below_an_agency_has_that_level_alone(counted: ClickHouseConnection) -> None:
    def of(agency: str, level: Level, tree_as: TreeAs = "today", *, tree: bool = False) -> Table:
        return table(node_report(counted, INSTANT, Selection(level, agency, tree), tree_as), "received")

    assert of("BD", "commune", "then") == of("BD", "commune", "then", tree=True) == {"P1": (1,), "P2": (1,)}
    assert of("H26", "department") == of("000.00.01.H26", "department") == {"S1": (1,)}
    assert of("H26", "ministry") == {}
    assert of("S1", "commune") == {}


def test_one_agency_alone_or_with_its_tree_by_any_name(counted: ClickHouseConnection) -> None:
    def codes(selection: Selection, tree_as: TreeAs = "today") -> list[str]:
        return [node["code"] for node in node_report(counted, INSTANT, selection, tree_as).nodes]

    (department,) = node_report(counted, INSTANT, Selection(agency="000.00.01.H26")).nodes
    assert (department["code"], department["name"], department["parent"]) == ("S1", "Sở Xây dựng", "H26")
    assert codes(Selection(agency="BD", tree=True), "then") == ["BD", "P1", "P2"]
    # Today it is the ward that took it over.
    assert codes(Selection(agency="P1", tree=True)) == ["BD-new"]
    assert codes(Selection(agency="NH-new")) == ["NH-new"]
    assert codes(Selection(agency="never")) == []
    (undeclared,) = node_report(counted, INSTANT, Selection(agency="nobody")).nodes
    assert (undeclared["name"], undeclared["is_declared"], undeclared["received"]) == (NOT_DECLARED, False, 1)


def test_names_are_those_of_the_last_day(counted: ClickHouseConnection) -> None:
    renamed = [agency("S1", name="Old", to=BEFORE), agency("S1", name="New", since=MERGER)]
    with database(counted) as client:
        declare_agencies(client, renamed)
    selection = Selection(agency="S1")
    assert node_report(counted, INSTANT, selection, "then", until=SECOND_DAY).nodes[0]["name"] == "Old"
    assert node_report(counted, INSTANT, selection, "today", until=SECOND_DAY).nodes[0]["name"] == "New"


def test_where_nothing_is_declared_each_code_is_a_root(clickhouse: ClickHouseConnection) -> None:
    assert node_report(clickhouse, INSTANT, Selection(tree=True)).nodes == []
    count(clickhouse, *EVENTS)
    found = node_report(clickhouse, INSTANT, Selection(tree=True)).nodes
    assert {(node["depth"], node["name"], node["parent"]) for node in found} == {(1, NOT_DECLARED, "")}
    assert sum(node["received"] for node in found) == 6
