"""Names of agencies and procedures as SQL: what a reader sees where events state codes."""

from grafana.sql_queries import query

NOT_DECLARED = "chưa khai báo / not declared"
"""What stands beside a code that reference data does not declare."""


def agency_code(column: str) -> str:
    """SQL for the code of the agency for which a code stands: its own, unless it is an alias.

    Links need it: an alias is no choice of a variable, and Grafana replaces what is none by the first choice.
    """
    return f"dictGetOrDefault('agency_labels', 'code', tuple(toString({column})), toString({column}))"


def agency_name(column: str) -> str:
    """SQL for the name of the agency whose code a column holds.

    A merged agency keeps its own name, since the row states what was recorded. Once agencies are declared, an
    undeclared code says so; before, every code is shown as it is.
    """
    return _name(column, "agency_labels", "agencies")


def procedure_name(column: str) -> str:
    """SQL for the name of the procedure whose code a column holds, as for an agency."""
    return _name(column, "procedure_labels", "procedures")


def procedure_field(column: str) -> str:
    """SQL for the field of the procedure whose code a column holds; empty before procedures are declared."""
    field = f"dictGetOrDefault('procedure_labels', 'field', tuple(toString({column})), '')"
    return f"multiIf({field} != '', {in_one_line(field)}, {is_declared('procedures')}, '{NOT_DECLARED}', '')"


def with_code(name: str, column: str) -> str:
    """SQL for a name followed by its code, for a text that has no tooltip; a code without a name stands once."""
    return f"if(startsWith({name}, {column}), {name}, concat({name}, ' (', {column}, ')'))"


def in_one_line(text: str) -> str:
    """SQL for a text without line breaks and tabulators, which would break a row in two when a table is copied."""
    return f"trimBoth(replaceRegexpAll({text}, '[\\\\s\\\\p{{Cc}}]+', ' '))"


def is_declared(kind: str) -> str:
    """SQL for whether reference data of this kind is loaded."""
    return f"({query('is_declared', kind=kind)})"


def _name(column: str, labels: str, kind: str) -> str:
    name = f"dictGetOrDefault('{labels}', 'name_vi', tuple(toString({column})), '')"
    return (
        f"multiIf({name} != '', {in_one_line(name)}, "
        f"{column} = '' OR NOT {is_declared(kind)}, toString({column}), "
        f"concat({column}, ' – {NOT_DECLARED}'))"
    )
