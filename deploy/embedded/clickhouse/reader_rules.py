"""What a reader may run: judged by the engine's own syntax tree, against lists of what is harmless.

Three fences stand one behind the other. Here, everything that is not listed as harmless is refused before it runs. The
engine refuses a session without its role everything that only that role may do (`users.py`), and any change of settings
(`readonly = 1`). The engine's own parser reads the statement, so no quoting can mislead the rules.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from deploy.embedded.clickhouse.errors import ACCESS_DENIED, READ_ONLY, ServerError
from schemas.reader_access import CHANGEABLE, LIMITS, UNREADABLE, VIEW_FUNCTIONS

FUNCTIONS = frozenset(
    name
    for line in Path(__file__).with_name("reader_functions.txt").read_text().splitlines()
    if not line.startswith("#")
    for name in line.split()
)
TABLE_FUNCTIONS = frozenset({"generate_series", "generateseries", "null", "numbers", "values", "view", "viewexplain"})
"""Table functions that compute their rows and reach no file, network or table."""
COMBINATORS = re.compile(
    "(?:if|array|distinct|ornull|ordefault|resample|foreach|map|merge|state|simplestate|argmin|argmax|tuple|null)$"
)
SYSTEM = frozenset({"system", "information_schema"})
SYSTEM_TABLES = frozenset(
    {"columns", "databases", "data_type_families", "functions", "numbers", "one", "settings", "tables", "time_zones"}
    | {"key_column_usage", "referential_constraints", "schemata", "statistics", "views"}
)
"""Tables of the system's databases from which clients list tables, columns and functions."""
NODES = frozenset(
    {
        "ArrayJoin",
        "Asterisk",
        "ColumnsExceptTransformer",
        "ColumnsListMatcher",
        "ColumnsRegexpMatcher",
        "ColumnsReplaceTransformer",
        "ColumnsReplaceTransformer::Replacement",
        "ColumnsTransformerList",
        "ExpressionList",
        "Function",
        "Identifier",
        "InterpolateElement",
        "Literal",
        "OrderByElement",
        "QualifiedAsterisk",
        "QualifiedColumnsListMatcher",
        "QualifiedColumnsRegexpMatcher",
        "SampleRatio",
        "SelectIntersectExceptQuery",
        "SelectQuery",
        "SelectWithUnionQuery",
        "Set",
        "Subquery",
        "TableExpression",
        "TableIdentifier",
        "TableJoin",
        "TablesInSelectQuery",
        "TablesInSelectQueryElement",
        "WindowDefinition",
        "WindowListElement",
        "WithElement",
    }
)
"""Nodes of the syntax tree that show all of their content. APPLY is none: it hides the function that it calls."""
NODE = re.compile(r" *(\S+)(?: (.*?))?(?: \(alias .*)?(?: \(children \d+\))?", re.DOTALL)

LAMBDA = re.compile(r" *Function lambda \(alias (\w+)\)")
_NAME = r"(?:[A-Za-z_]\w*|`(?:[^`\\]|\\.)+`)"
_TABLE = rf"{_NAME}(?:\.{_NAME})?"
_LIKE = r"(?: (?:NOT )?I?LIKE '(?:[^'\\]|\\.)*')?(?: LIMIT \d+)?"
ASKED = re.compile(
    rf"SHOW DATABASES{_LIKE}|SHOW TABLES(?: FROM {_NAME})?{_LIKE}"
    rf"|SHOW(?: FULL)? COLUMNS FROM {_NAME}(?: FROM {_NAME})?{_LIKE}"
    rf"|SHOW CREATE (?:TABLE|VIEW) {_TABLE}|DESCRIBE TABLE {_TABLE}|EXISTS (?:TABLE|VIEW|DATABASE) {_TABLE}"
)
"""Other statements that only describe tables, as the engine formats them."""
EXPLAINED = re.compile(
    r"EXPLAIN(?: (?:AST|SYNTAX|QUERY TREE|PLAN|PIPELINE|ESTIMATE))?(?: \w+ = \d+,?)* (?:SELECT|WITH|\().*", re.DOTALL
)
CLOSING_SETTINGS = re.compile(r" SETTINGS ([^()]+?)\s*$")


def refuse_tree(tree: str, known: AbstractSet[str]) -> int:
    """Raise ServerError for a query, as EXPLAIN AST shows it, that may do more than read; returns its SETTINGS' count.

    `known` are the engine's own functions, in lower case: a query may call a lambda that it defines by another name.
    The tree contains names as they are, so a name with a line break can add lines to it, but cannot remove any.
    """
    lines = [line for line in tree.split("\n") if line]
    made = {found[1].lower() for line in lines if (found := LAMBDA.match(line))}
    settings = 0
    for line in lines:
        found = NODE.fullmatch(line)
        kind, name = (found[1], found[2] or "") if found else ("", "")
        if kind not in NODES:
            raise ServerError(ACCESS_DENIED, f"a reader may not use {kind or line[:80]!r} in a query")
        if kind == "Function" and not (is_harmless(name.lower()) or is_new(name.lower(), made, known)):
            raise ServerError(ACCESS_DENIED, f"a reader may not call {name}: it may reach beyond the database")
        if kind in {"Identifier", "TableIdentifier"}:
            database, _, table = name.lower().partition(".")
            if database in SYSTEM and table.partition(".")[0] not in SYSTEM_TABLES:
                raise ServerError(ACCESS_DENIED, f"a reader may not read {name}")
            if not UNREADABLE.isdisjoint(name.split(".")):
                raise ServerError(ACCESS_DENIED, f"a reader may not read {name}: it has personal data")
        settings += kind == "Set"
    return settings


def is_harmless(function: str) -> bool:
    """Whether a function, in lower case, computes from its arguments alone; combinators as in sumIf are allowed.

    So does a view that takes arguments, which may be named with its database: it reads what the reader may read.
    """
    if function.rpartition(".")[2] in VIEW_FUNCTIONS:
        return True
    while function not in FUNCTIONS and function not in TABLE_FUNCTIONS:
        shorter = COMBINATORS.sub("", function)
        if shorter == function:
            return False
        function = shorter
    return True


def is_new(function: str, made: AbstractSet[str], known: AbstractSet[str]) -> bool:
    """Whether the query itself defines a function of this name, and the engine has none of that name."""
    if function not in made:
        return False
    while function not in known:
        shorter = COMBINATORS.sub("", function)
        if shorter == function:
            return True
        function = shorter
    return False


def refuse_database(name: str) -> None:
    """Raise ServerError for a database in which plain table names are those of the system."""
    if name.lower() in SYSTEM:
        raise ServerError(ACCESS_DENIED, f"a reader may not use the database {name}: name its tables in full")


def granted(asked: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """The settings that a reader gets of those asked for: limits are capped, others allowed only where listed.

    `now` are the values in force; asking for these changes nothing and is never refused.
    """
    given = {}
    for name, value in asked.items():
        if name in LIMITS:
            if not re.fullmatch(r"\d{1,20}(\.\d+)?", value):
                raise ServerError(READ_ONLY, f"{name} = {value[:80]!r} is no number")
            number = float(value)
            given[name] = value if 0 < number <= LIMITS[name] else str(LIMITS[name])
        elif name in CHANGEABLE:
            given[name] = value
        elif now.get(name) != value:
            raise ServerError(READ_ONLY, f"Cannot modify '{name}' setting in readonly mode")
    return given
