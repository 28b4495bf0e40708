"""The SQL files, and what Grafana makes of them before ClickHouse sees them."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from textwrap import indent
from urllib.parse import quote

from msgspec import Struct


class UnknownMacro(ValueError):
    """SQL names a macro or variable that would not be expanded; its text is the message."""


class Context(Struct, frozen=True):
    """What Grafana knows when it sends a query: the time range, the width of a point, the values of variables.

    The value of a variable is a list where several can be chosen of it, or where a URL names it several times.
    """

    since: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    until: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    interval_seconds: int = 60
    variables: Mapping[str, str | Sequence[str]] = {}


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


def chosen(name: str) -> str:
    """SQL for the value of a variable of which one value can be chosen.

    Whatever somebody writes into the URL is text here and cannot end it: encoded, it has neither quote nor backslash.
    Of Grafana's forms that quote, `singlequote` leaves backslashes and `sqlstring` too, so both can be left.
    """
    return f"decodeURLComponent('${{{name}:percentencode}}')"


def is_chosen(column: str, name: str) -> str:
    """SQL that says whether a column is among the values chosen of a variable; all are where all or none is chosen.

    Every value is encoded by itself: in the form of `chosen`, a comma in a value looks like one between values.
    """
    # A query may not name `$__all`, since the data source looks for macros in it; \\x24 is its dollar.
    values = f"arrayMap(value -> decodeURLComponent(value), extractAll('${{{name}:queryparam}}', '=([^&]*)'))"
    return f"(hasAny({values}, ['\\x24__all', '']) OR has({values}, {column}))"


def expand(sql: str, context: Context | None = None) -> str:
    """The SQL as the data source sends it; raises UnknownMacro where Grafana would leave something as it is.

    Variables come first and macros last, as in Grafana: the browser fills in the ones, the plugin the others.
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
