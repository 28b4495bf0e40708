"""Every query of every panel and variable runs, on a city and on nothing, and its columns fit what shows them."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from clickhouse_driver import Client

from grafana.build import DASHBOARDS
from grafana.panels import TIME_SERIES
from grafana.sql_macros import Context, expand
from grafana.sql_queries import ALL
from tests.grafana.city import HOSTILE, LEAVING

pytestmark = pytest.mark.clickhouse

Columns = Sequence[tuple[str, str]]

PANELS = [
    pytest.param(board, panel, id=f"{board['uid']}-{panel['id']}")
    for board in DASHBOARDS
    for panel in board["panels"]
    if panel.get("targets")
]
VARIABLES = [
    pytest.param(board, variable, id=f"{board['uid']}-{variable['name']}")
    for board in DASHBOARDS
    for variable in board["templating"]["list"]
    if variable["type"] == "query"
]
NUMBER = re.compile(r"(Nullable\()?(U?Int|Float)\d+\)?")
TIME = re.compile(r"(Nullable\()?DateTime.*")
TEXT = re.compile(r"((Nullable|LowCardinality)\()*(String|Enum8?\(.*)\)*")
SHOWN = re.compile("|".join(shape.pattern for shape in (NUMBER, TIME, TEXT)) + r"|(Nullable\()?(Bool|Date)\)?")


def contexts(board: dict[str, Any]) -> list[Context]:
    """Each choice of each list, and hostile values of all variables; several and all where that is allowed."""
    variables = board["templating"]["list"]
    choices = {each["name"]: [option["value"] for option in each["options"]] or ["H26.01"] for each in variables}
    first: dict[str, str | list[str]] = {name: values[0] for name, values in choices.items()}
    found = [first, *(first | {name: value} for name, values in choices.items() for value in values[1:])]
    # A URL may also name several values of a variable that has one.
    for hostile in (HOSTILE, LEAVING, ["H26.01", LEAVING]):
        found += [first | dict.fromkeys(part, hostile) for part in _by_kind(variables)]
    found.append(first | {each["name"]: [ALL] for each in variables if each.get("multi")})
    return [Context(variables=each) for each in found]


def _by_kind(variables: list[dict[str, Any]]) -> list[list[str]]:
    """The names of variables that ask the database or are typed, and of those with a list of choices."""
    return [[each["name"] for each in variables if bool(each["options"]) is listed] for listed in (False, True)]


@cache
def ask(client: Client, sql: str) -> tuple[list[tuple[Any, ...]], Columns]:
    """Rows and columns; the databases stay as they are, and panels of one dashboard share their query."""
    rows, columns = client.execute(sql, with_column_types=True)
    return rows, columns


def one(client: Client, sql: str) -> dict[str, Any]:
    (row,), columns = ask(client, sql)
    return dict(zip([name for name, _ in columns], row, strict=True))


def unit(panel: dict[str, Any], column: str) -> str:
    """The unit in which Grafana shows a column."""
    found = panel["fieldConfig"]["defaults"]["unit"]
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"] == {"id": "byName", "options": column}:
            found = next((each["value"] for each in override["properties"] if each["id"] == "unit"), found)
    return str(found)


def fit(panel: dict[str, Any], columns: Columns, form: int) -> None:
    types = dict(columns)
    assert len(types) == len(columns), "two columns of one name"
    assert [kind for kind in types.values() if not SHOWN.fullmatch(kind)] == []
    if form == TIME_SERIES:
        assert TIME.fullmatch(columns[0][1]), "a time series begins with its time"
        assert any(NUMBER.fullmatch(kind) for _, kind in columns[1:])
    named = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byName"
    }
    if form != TIME_SERIES:
        assert named <= types.keys()
    if panel["type"] == "table":
        for name, kind in types.items():
            assert (unit(panel, name) == "string") is not bool(NUMBER.fullmatch(kind)), name
    if panel["type"] in {"stat", "gauge", "bargauge"}:
        # What is shown as text is text, and numbers are not.
        assert all((unit(panel, name) == "string") is bool(TEXT.fullmatch(kind)) for name, kind in types.items())
        # Grafana would hold any other pattern against the names that are shown, not against columns.
        assert panel["options"]["reduceOptions"]["fields"] in {"", "/.*/"}
        assert panel["options"]["reduceOptions"]["fields"] or any(map(NUMBER.fullmatch, types.values()))


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panels_query_fits_it_on_the_city_and_on_nothing(
    declared_city: Client, empty_city: Client, board: dict[str, Any], panel: dict[str, Any]
) -> None:
    for target in panel["targets"]:
        for context in contexts(board):
            sql = expand(target["rawSql"], context)
            _, columns = ask(empty_city, sql)
            fit(panel, columns, target["format"])
            rows, columns = ask(declared_city, sql)
            fit(panel, columns, target["format"])
            if panel["type"] == "stat":
                assert len(rows) >= 1
            if target["format"] == TIME_SERIES:
                times = [row[0] for row in rows]
                assert times == sorted(times)


@pytest.mark.parametrize(("board", "variable"), VARIABLES)
def test_a_variables_query_gives_values_or_values_and_labels(
    declared_city: Client, empty_city: Client, board: dict[str, Any], variable: dict[str, Any]
) -> None:
    query = variable["query"]
    for context in contexts(board):
        sql = expand(query if isinstance(query, str) else query["rawSql"], context)
        ask(empty_city, sql)
        _, columns = ask(declared_city, sql)
        assert 1 <= len(columns) <= 2
        assert all(TEXT.fullmatch(kind) for _, kind in columns)
