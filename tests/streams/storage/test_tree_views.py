"""Figures of the tree by both ways: where each dossier's agency was then, and where it is today."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from clickhouse_driver import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.counters import COUNTERS
from schemas.events import Received, Resolved, TermSet
from schemas.reference.agency import Agency
from schemas.reference.agency_tree import AgencyTree
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.rollups import refresh
from tests.schemas.reference.agencies import agency
from tests.schemas.reference.test_agency_tree import BEFORE, HANOI, MERGER, trees
from tests.streams.cases import at, said
from tests.streams.counted import count
from tests.streams.declared import declare_agencies

pytestmark = pytest.mark.clickhouse

RECEIVED = {
    ("H26", BEFORE): 1, ("BD", BEFORE): 7, ("P1", BEFORE): 10, ("P2", BEFORE): 20, ("P3", BEFORE): 40,
    ("P4", BEFORE): 80, ("BD-new", MERGER): 100, ("NH-new", MERGER): 200, ("P4", MERGER): 400,
}  # fmt: skip
"""Dossiers received on the last day of the old tree and on the first day of the new one."""
YEAR = "since = '2025-01-01', until = '2025-12-31'"


@pytest.fixture
def client(plan: Plan) -> Iterator[Client]:
    client = connect(plan.clickhouse)
    yield client
    client.disconnect()


def put(client: Client, received: Mapping[tuple[str, date], int], partition: int = 0) -> None:
    """Windows at both ends of these local days."""
    rows = []
    for (code, day), number in received.items():
        for local, part in ((f"{day} 00:00", number // 2), (f"{day} 23:55", number - number // 2)):
            rows.append((code, at(local), partition, 1, part, part))
    client.execute("INSERT INTO windows (agency, window, partition, pos, received, paid_amount) VALUES", rows)


def received(client: Client, way: str, span: str = YEAR, where: str = "1") -> dict[str, int]:
    """What each node received with all below it."""
    sql = f"SELECT node, sum(received) FROM node_figures(way = '{way}', {span}) WHERE {where} GROUP BY node"
    return dict(client.execute(sql))


def test_a_merger_on_the_first_of_july_by_both_ways(client: Client) -> None:
    declare_agencies(client, HANOI)
    put(client, RECEIVED)
    yesterday = "since = '2025-06-30', until = '2025-06-30'"
    assert received(client, "then", yesterday) == {"H26": 158, "BD": 157, "P1": 10, "P2": 20, "P3": 40, "P4": 80}
    # The new ward has the history of the district and of both wards: 7 + 10 + 20. The divided ward's is the city's.
    assert received(client, "today", yesterday) == {"H26": 158, "BD-new": 37, "P4": 80}
    assert received(client, "today", yesterday, "is_own")["H26"] == 1 + 40
    merged = "since = '2025-07-01', until = '2025-07-01'"
    after = {"H26": 700, "BD-new": 100, "NH-new": 200, "P4": 400}
    assert received(client, "then", merged) == received(client, "today", merged) == after
    assert received(client, "then")["H26"] == received(client, "today")["H26"] == 858


def test_a_ward_below_another_agency_since_then_has_a_row_below_each(client: Client) -> None:
    declare_agencies(client, HANOI)
    put(client, RECEIVED)
    sql = f"SELECT parent, path, received FROM node_figures(way = 'then', {YEAR}) WHERE node = 'P4' ORDER BY parent"
    assert client.execute(sql) == [("BD", ["H26", "BD", "P4"], 80), ("H26", ["H26", "P4"], 400)]


def test_days_of_a_node_are_its_figures(client: Client) -> None:
    declare_agencies(client, HANOI)
    put(client, RECEIVED)

    def days(node: str, way: str) -> dict[date, int]:
        return dict(client.execute(f"SELECT day, received FROM node_days(node = '{node}', way = '{way}', {YEAR})"))

    assert days("H26", "then") == days("H26", "today") == {BEFORE: 158, MERGER: 700}
    assert (days("BD", "then"), days("BD", "today")) == ({BEFORE: 157}, {})
    assert (days("BD-new", "then"), days("BD-new", "today")) == ({MERGER: 100}, {BEFORE: 37, MERGER: 100})


def test_another_tree_shows_at_once_and_counts_nothing_again(client: Client) -> None:
    put(client, RECEIVED)
    undeclared = {code: RECEIVED.get((code, BEFORE), 0) + RECEIVED.get((code, MERGER), 0) for code, _ in RECEIVED}
    assert received(client, "then") == received(client, "today") == undeclared
    declare_agencies(client, HANOI)
    assert received(client, "today")["BD-new"] == 137
    declare_agencies(client, [agency("H26", level="province")])
    assert received(client, "today") == undeclared


def test_a_load_without_its_mark_is_none(client: Client) -> None:
    declare_agencies(client, HANOI)
    put(client, RECEIVED)
    client.execute(
        "INSERT INTO agency_placements (load, agency, valid_from, valid_to, path) "
        "VALUES (9999999999999999, 'P4', '1970-01-01', '2149-06-06', ['P4'])"
    )
    assert received(client, "today")["H26"] == 858


def test_an_alias_is_its_code_and_what_is_not_declared_is_a_root_of_its_own(client: Client) -> None:
    declare_agencies(client, HANOI)
    hostile = "'\"<b>|\n" + "x" * 300
    put(client, {("000.00.20.H26", BEFORE): 3, ("nobody", BEFORE): 5, (hostile, MERGER): 7, ("p4", MERGER): 9})
    assert received(client, "then") == {"H26": 3, "BD": 3, "nobody": 5, hostile: 7, "p4": 9}
    assert received(client, "today", where="is_declared") == {"H26": 3, "BD-new": 3}
    rows = client.execute(
        f"SELECT day, received FROM node_days(node = %(node)s, way = 'then', {YEAR})",
        {"node": hostile},
    )
    assert rows == [(MERGER, 7)]
    roots = client.execute(
        "SELECT code, is_valid FROM agency_tree(as_of = '2025-07-01') WHERE NOT is_declared ORDER BY code"
    )
    assert roots == [(hostile, False), ("nobody", False), ("p4", False)]


def test_events_of_an_ended_agency_after_its_end_are_its_successors(client: Client) -> None:
    declare_agencies(client, HANOI)
    put(client, {("P1", MERGER): 2, ("P3", MERGER): 4})
    # Of a divided ward, nobody can say whose they are: they belong to what its successors share.
    assert received(client, "then") == received(client, "today") == {"H26": 6, "BD-new": 2}
    assert received(client, "then", where="is_own") == {"H26": 4, "BD-new": 2}


def test_the_tree_of_a_day_has_names_parents_and_depths_of_that_day(client: Client) -> None:
    old, new = agency("Q", name="Old", to=BEFORE), agency("Q", "H26", name="New", since=MERGER, level="centre")
    declare_agencies(client, [agency("H26", level="province"), old, new])
    sql = "SELECT name_vi, parent, level, depth, path, is_valid FROM agency_tree(as_of = %(day)s) WHERE code = 'Q'"
    assert client.execute(sql, {"day": BEFORE}) == [("Old", "", "commune", 1, ["Q"], True)]
    assert client.execute(sql, {"day": MERGER}) == [("New", "H26", "centre", 2, ["H26", "Q"], True)]


def test_open_and_overdue_are_at_the_places_of_today_by_both_ways(plan: Plan, client: Client) -> None:
    count(
        plan.clickhouse,
        said(Received, "2025-06-02 08:00", dossier="overdue", agency="P1", receiver="P4"),
        said(TermSet, "2025-06-02 08:00", dossier="overdue", term=at("2025-06-10 17:00")),
        said(Received, "2025-06-02 08:00", dossier="open", agency="P2", channel="online"),
        said(Received, "2025-06-02 08:00", dossier="resolved", agency="P4", receiver="P1"),
        said(Resolved, "2025-06-03 08:00", dossier="resolved"),
    )
    declare_agencies(client, HANOI)
    refresh(client, ("refresh_city_waiting", "refresh_receiver_days"))

    def figures(view: str, way: str) -> list[tuple[Any, ...]]:
        sums = "sum(received), sum(received_online), sum(open), sum(overdue)"
        sql = f"SELECT node, {sums} FROM {view}(way = '{way}', {YEAR}) GROUP BY node ORDER BY node"
        return list(client.execute(sql))

    assert figures("node_figures", "today") == [("BD-new", 2, 1, 2, 1), ("H26", 3, 1, 2, 1), ("P4", 1, 0, 0, 0)]
    then = [("BD", 3, 1, 0, 0), ("BD-new", 0, 0, 2, 1), ("H26", 3, 1, 2, 1), ("P1", 1, 0, 0, 0), ("P2", 1, 1, 0, 0)]
    assert figures("node_figures", "then") == [*then, ("P4", 1, 0, 0, 0)]
    # The dossier that another office decides counts where it was received.
    assert figures("receiver_figures", "today") == [("BD-new", 2, 1, 1, 0), ("H26", 3, 1, 2, 1), ("P4", 1, 0, 1, 1)]


def test_what_is_overdue_is_unknown_where_nothing_was_refreshed(client: Client) -> None:
    put(client, RECEIVED)
    client.execute("SYSTEM STOP VIEW refresh_city_waiting")
    client.execute("TRUNCATE TABLE city_waiting")
    found = client.execute(f"SELECT DISTINCT open, overdue FROM node_figures(way = 'today', {YEAR})")
    client.execute("SYSTEM START VIEW refresh_city_waiting")
    assert found == [(None, None)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(agencies=trees(), data=st.data())
def test_children_and_own_are_the_node_and_roots_are_all(
    client: Client, agencies: list[Agency], data: st.DataObject
) -> None:
    for table in ("windows", "agencies", "agency_placements", "reference_loads"):
        client.execute(f"TRUNCATE TABLE {table}")
    declare_agencies(client, agencies)
    tree = AgencyTree(agencies)
    codes = st.sampled_from([*sorted(tree.names), "nobody"])
    around = st.dates(BEFORE - timedelta(days=400), MERGER + timedelta(days=400))
    counted = data.draw(st.dictionaries(st.tuples(codes, around), st.integers(1, 9), max_size=12))
    put(client, counted)
    span = "since = '1970-01-01', until = '2149-06-06'"
    ((today,),) = client.execute("SELECT toDate(now(), 'Asia/Ho_Chi_Minh')")
    for way in ("then", "today"):
        rows = client.execute(f"SELECT node, parent, is_own, received FROM node_figures(way = '{way}', {span})")
        nodes: dict[str, int] = {}
        children: dict[str, int] = {}
        for node, parent, is_own, number in rows:
            nodes[node] = nodes.get(node, 0) + number
            children[parent] = children.get(parent, 0) + number
            if is_own:
                children[node] = children.get(node, 0) + number
        assert children.pop("", 0) == sum(counted.values())
        assert children == nodes
        expected: dict[str, int] = {}
        for (code, day), number in counted.items():
            for node in tree.place(code, day if way == "then" else today):
                expected[node] = expected.get(node, 0) + number
        assert nodes == expected
        for node in sorted(nodes)[:2]:
            sql = f"SELECT sum(received) FROM node_days(node = %(node)s, way = '{way}', {span})"
            assert client.execute(sql, {"node": node}) == [(nodes[node],)]


def test_every_counter_is_summed_under_its_name(client: Client) -> None:
    declare_agencies(client, HANOI)
    named = ", ".join(COUNTERS)
    values = tuple(2**index for index in range(len(COUNTERS)))
    for partition in (0, 1):
        row = ("P4", at("2025-07-01 08:00"), partition, 1, *values)
        client.execute(f"INSERT INTO windows (agency, window, partition, pos, {named}) VALUES", [row])
    twice = [tuple(2 * value for value in values)]
    assert client.execute(f"SELECT {named} FROM node_figures(way = 'then', {YEAR}) WHERE node = 'H26'") == twice
    assert client.execute(f"SELECT {named} FROM node_days(node = 'H26', way = 'then', {YEAR})") == twice
    assert client.execute(f"SELECT {named} FROM node_days(node = 'P4', way = 'today', {YEAR})") == twice


def test_of_many_windows_months_days_and_the_last_week_are_one_figure(client: Client) -> None:
    """Half a million windows: months come from one roll-up, other days from another, the last days from windows."""
    moved = date(2025, 8, 15)
    agencies = [
        agency("H26", level="province"),
        *(agency(f"D{number}", "H26", level="district") for number in (1, 2)),
        # In the middle of a month, from one district to the other.
        agency("C1", "D1", to=moved - timedelta(days=1)),
        agency("C1", "D2", since=moved),
        agency("C2", "D1"),
    ]
    declare_agencies(client, agencies)
    client.execute(
        "INSERT INTO windows (agency, window, partition, pos, received, resolved) "
        "SELECT ['C1', 'C2', 'D2', 'nobody'][1 + number % 4], "
        "toStartOfFiveMinutes(now() - INTERVAL number * 137 SECOND), number % 8, 1, 1, number % 3 FROM numbers(500000)"
    )
    refresh(client, ("refresh_agency_past", "refresh_agency_months"))
    assert client.execute("SELECT count() > 0, max(day) < today() - 6 FROM agency_past") == [(1, 1)]
    assert client.execute("SELECT uniqExact(month) > 20 FROM agency_months") == [(1,)]
    tree = AgencyTree(agencies)
    local = "toDate(window, 'Asia/Ho_Chi_Minh')"
    ((today, first, last),) = client.execute(
        f"SELECT toDate(now(), 'Asia/Ho_Chi_Minh'), min({local}), max({local}) FROM windows"
    )
    for since, until in ((first, last), (date(2025, 3, 7), date(2025, 9, 5)), (date(2025, 8, 1), date(2025, 8, 31))):
        rows = client.execute(
            f"SELECT agency, {local} AS day, sum(received), sum(resolved) FROM windows FINAL "
            "WHERE day BETWEEN %(since)s AND %(until)s GROUP BY agency, day",
            {"since": since, "until": until},
        )
        for way in ("then", "today"):
            expected: dict[str, tuple[int, int]] = {}
            for code, day, *counted in rows:
                for node in tree.place(code, day if way == "then" else today):
                    before = expected.get(node, (0, 0))
                    expected[node] = (before[0] + counted[0], before[1] + counted[1])
            span = f"way = '{way}', since = '{since}', until = '{until}'"
            sums = "sum(received), sum(resolved)"
            found = client.execute(f"SELECT node, {sums} FROM node_figures({span}) GROUP BY node")
            assert {node: tuple(counted) for node, *counted in found} == expected
            assert client.execute(f"SELECT {sums} FROM node_days(node = 'D1', {span})") == [expected["D1"]]
