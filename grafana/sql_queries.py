"""The SQL files of panels and alert rules, and SQL for the values of variables."""

import re
from importlib.resources import files
from textwrap import indent

ALL = "$__all"
"""The value of a variable in which everything is selected."""

_LEADING_COMMENTS = re.compile(r"\A(?:--[^\n]*\n)+")


def query(name: str, **placeholders: str) -> str:
    """The query of `grafana/queries/<name>.sql` without its leading comment, its `{placeholders}` filled in.

    Placeholders are for what is fixed when dashboards are built, never for what a viewer selects.
    """
    text = _LEADING_COMMENTS.sub("", (files("grafana") / "queries" / f"{name}.sql").read_text(encoding="utf-8"))
    for placeholder, value in placeholders.items():
        if f"{{{placeholder}}}" not in text:
            raise KeyError(f"{name}.sql has no {{{placeholder}}}")
        text = text.replace(f"{{{placeholder}}}", value)
    return text.strip()


def only(sql: str, *columns: str) -> str:
    """The query with only these columns; ClickHouse then computes no others."""
    return f"SELECT {', '.join(columns)}\nFROM\n(\n{indent(sql, '    ')}\n)"


def selected(name: str) -> str:
    """SQL for the value of a variable that has one value.

    Whatever the URL contains stays inside the string literal: percent-encoded, it has neither quote nor backslash.
    Grafana's own quoting formats, `singlequote` and `sqlstring`, leave backslashes as they are and can be escaped from.
    """
    return f"decodeURLComponent('${{{name}:percentencode}}')"


def is_selected(column: str, name: str) -> str:
    """SQL for whether a column is among the selected values of a variable; it is where all or none are selected."""
    return f"({is_everything_selected(name)} OR has({selected_values(name)}, {column}))"


def selected_values(name: str) -> str:
    """SQL for the array of the selected values of a variable.

    Every value is encoded separately: in the format of `selected`, a comma in a value looks like a separator.
    """
    return f"arrayMap(value -> decodeURLComponent(value), extractAll('${{{name}:queryparam}}', '=([^&]*)'))"


def is_everything_selected(name: str) -> str:
    """SQL for whether all or none of the values of a variable are selected."""
    # A query may not name `$__all`, since the data source looks for macros in it; \\x24 is its dollar.
    return f"hasAny({selected_values(name)}, ['\\x24__all', ''])"
