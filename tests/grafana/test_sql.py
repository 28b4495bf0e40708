from datetime import UTC, datetime

import pytest

from grafana.sql import ALL, Context, UnknownMacro, expand, only, query, variables_in

CONTEXT = Context(
    since=datetime(2026, 3, 2, tzinfo=UTC),
    until=datetime(2026, 3, 3, tzinfo=UTC),
    interval_seconds=300,
    variables={"agency": ["O'Brien", "H26"], "all": [ALL]},
)


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("$__timeFilter(at)", "at >= toDateTime(1772409600) AND at <= toDateTime(1772496000)"),
        (
            "$__timeFilter(toDateTime(at))",
            "toDateTime(at) >= toDateTime(1772409600) AND toDateTime(at) <= toDateTime(1772496000)",
        ),
        ("$__timeInterval(at)", "toStartOfInterval(toDateTime(at), INTERVAL 300 second)"),
        ("$__fromTime, $__toTime", "toDateTime(1772409600), toDateTime(1772496000)"),
        ("n / $__interval_s", "n / 300"),
        ("agency IN (${agency:singlequote})", "agency IN ('O\\'Brien','H26')"),
        ("$__conditionalAll(agency = 'x', $all)", "1=1"),
        ("$__conditionalAll(agency IN (${agency:singlequote}), $agency)", "agency IN ('O\\'Brien','H26')"),
    ],
)
def test_macros_and_variables_become_what_the_data_source_sends(sql: str, sent: str) -> None:
    assert expand(sql, CONTEXT) == sent


@pytest.mark.parametrize("sql", ["$__timeGroup(at, 5m)", "$__rate(n)", "$__timeFilter", "$nobody", "${agency:json}"])
def test_what_grafana_would_not_expand_is_an_error(sql: str) -> None:
    with pytest.raises(UnknownMacro):
        expand(sql, CONTEXT)


def test_the_variables_of_a_query_are_found_however_they_are_written() -> None:
    assert variables_in("$a ${b} ${c:singlequote} $__interval_s") == {"a", "b", "c"}


def test_a_query_comes_without_its_comment_and_with_what_is_fixed() -> None:
    sql = query("city", period="month")
    assert not sql.startswith("--")
    assert sql.endswith("WHERE period = 'month'")


def test_a_placeholder_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"data_age\.sql has no \{period\}"):
        query("data_age", period="day")


def test_of_a_query_only_some_columns_are_asked() -> None:
    assert only("SELECT a, b FROM t", "b") == "SELECT b\nFROM\n(\n    SELECT a, b FROM t\n)"
