"""The SQL files, and what Grafana makes of them before ClickHouse sees them."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from textwrap import indent

from msgspec import Struct


class UnknownMacro(ValueError):
    """SQL names a macro or variable that would not be expanded; its text is the message."""


class Context(Struct, frozen=True):
    """What Grafana knows when it sends a query: the time range, the width of a point, the values of variables."""

    since: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    until: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    interval_seconds: int = 60
    variables: Mapping[str, Sequence[str]] = {}


ALL = "$__all"
"""The value of a variable in which everything is chosen."""

_LEADING_COMMENTS = re.compile(r"\A(?:--[^\n]*\n)+")
_MACRO = re.compile(r"\$__(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(?!__)([A-Za-z]\w*)")


def query(name: str, **placeholders: str) -> str:
    """The query of `grafana/queries/<name>.sql` without its leading comment, its `{placeholders}` filled in.

    Placeholders are for what is fixed when dashboards are built, never for what somebody chooses.
    """
    text = _LEADING_COMMENTS.sub("", (files("grafana") / "queries" / f"{name}.sql").read_text(encoding="utf-8"))
    for placeholder, value in placeholders.items():
        if f"{{{placeholder}}}" not in text:
            raise KeyError(f"{name}.sql has no {{{placeholder}}}")
        text = text.replace(f"{{{placeholder}}}", value)
    return text.strip()


def only(sql: str, *columns: str) -> str:
    """The query with no other columns than these; ClickHouse then computes no other."""
    return f"SELECT {', '.join(columns)}\nFROM\n(\n{indent(sql, '    ')}\n)"


def expand(sql: str, context: Context | None = None) -> str:
    """The SQL as the data source sends it; raises UnknownMacro where Grafana would leave something as it is.

    Variables come first and macros last, as in Grafana: the browser fills in the ones, the plugin the others.
    """
    known = context or Context()
    sql = _CONDITIONAL.sub(lambda found: _conditional(found, known), sql)
    sql = _VARIABLE.sub(lambda found: _variable(found, known), sql)
    return _MACRO.sub(lambda found: _macro(found, known), sql)


def variables_in(sql: str) -> set[str]:
    """The names of the variables that the SQL uses."""
    return {braced or bare for braced, _, bare in _VARIABLE.findall(sql)}


_CONDITIONAL = re.compile(r"\$__conditionalAll\(((?:[^()]|\([^()]*\))*),\s*\$(\w+)\)")


def _conditional(found: re.Match[str], context: Context) -> str:
    condition, name = found.groups()
    return "1=1" if ALL in context.variables.get(name, ()) else condition


def _variable(found: re.Match[str], context: Context) -> str:
    name, form = found[1] or found[3], found[2]
    if name not in context.variables:
        raise UnknownMacro(f"${name} is no variable: there are {sorted(context.variables)}")
    values = context.variables[name]
    if form == "singlequote":
        return ",".join("'" + value.replace("'", "\\'") + "'" for value in values)
    if form in {None, "raw", "csv"}:
        return ",".join(values)
    raise UnknownMacro(f"${{{name}:{form}}} has a form that is not used here")


def _macro(found: re.Match[str], context: Context) -> str:
    name, argument = found.groups()
    since, until = (int(at.timestamp()) for at in (context.since, context.until))
    match name:
        case "timeFilter" if argument:
            return f"{argument} >= toDateTime({since}) AND {argument} <= toDateTime({until})"
        case "timeFilter_ms" if argument:
            low, high = (f"fromUnixTimestamp64Milli({at * 1000})" for at in (since, until))
            return f"{argument} >= {low} AND {argument} <= {high}"
        case "timeInterval" if argument:
            return f"toStartOfInterval(toDateTime({argument}), INTERVAL {context.interval_seconds} second)"
        case "fromTime":
            return f"toDateTime({since})"
        case "toTime":
            return f"toDateTime({until})"
        case "interval_s":
            return str(context.interval_seconds)
    raise UnknownMacro(f"$__{name} is no macro that works in the ClickHouse plugin")
