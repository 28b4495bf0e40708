"""Expands macros and variables of SQL as Grafana and its ClickHouse plugin do, before ClickHouse sees it."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from msgspec import Struct

_MACRO = re.compile(r"\$__(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(?!__)([A-Za-z]\w*)")


class UnknownMacro(ValueError):
    """SQL has a macro or variable that would not be expanded; the text says which."""


class Context(Struct, frozen=True):
    """What a query is expanded with: the time range, the interval between two points, the values of variables.

    The value of a variable is a list where it may have several, or where a URL names it several times.
    """

    since: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    until: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    interval_seconds: int = 60
    variables: Mapping[str, str | Sequence[str]] = {}


def expand(sql: str, context: Context | None = None) -> str:
    """The SQL as the data source sends it; raises UnknownMacro where Grafana would leave something unexpanded.

    Variables are expanded first and macros last, as in Grafana: variables by the browser, macros by the plugin.
    """
    known = context or Context()
    for name in _MACRO.findall(sql):
        if name[0] not in _MACROS:
            raise UnknownMacro(f"$__{name[0]} is no macro that works in the ClickHouse plugin")
    return _MACRO.sub(lambda found: _macro(found, known), _VARIABLE.sub(lambda found: _variable(found, known), sql))


def variables_in(sql: str) -> set[str]:
    """The names of the variables that the SQL uses."""
    return {braced or bare for braced, _, bare in _VARIABLE.findall(sql)}


def _variable(found: re.Match[str], context: Context) -> str:
    name, form = found[1] or found[3], found[2]
    if name not in context.variables:
        raise UnknownMacro(f"${name} is no variable: there are {sorted(context.variables)}")
    value = context.variables[name]
    if form == "percentencode":
        return quote(value if isinstance(value, str) else "{" + ",".join(value) + "}", safe="")
    if form == "queryparam":
        values = [value] if isinstance(value, str) else value
        return "&".join(f"var-{name}={quote(each, safe='@:$,;')}" for each in values)
    raise UnknownMacro(f"${{{name}:{form}}} has a form that a value can leave, or that is not used here")


_MACROS = {"timeFilter", "timeFilter_ms", "timeInterval", "fromTime", "toTime", "interval_s"}


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
    if name in _MACROS:
        raise UnknownMacro(f"$__{name} needs an argument")
    return found[0]
