"""What a user who only reads may say: judged by the engine's own syntax tree, and by what is known to be harmless.

Three fences stand one behind the other. Here, everything that is not named as harmless is refused before anything is
run. The engine refuses a session without its role what that role alone may do (`users.py`), and any change of
settings (`readonly = 1`). What is judged is the engine's own reading of the statement, so no quoting misleads it.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.clickhouse.errors import ACCESS_DENIED, READ_ONLY, TOO_MANY_QUERIES, ServerError
from schemas.access import CHANGEABLE, LIMITS

FUNCTIONS = frozenset(
    name
    for line in Path(__file__).with_name("reader_functions.txt").read_text().splitlines()
    if not line.startswith("#")
    for name in line.split()
)
TABLE_FUNCTIONS = frozenset({"generate_series", "generateseries", "null", "numbers", "values", "view", "viewexplain"})
"""Functions that give a table and reach nothing."""
COMBINATORS = re.compile(
    "(?:if|array|distinct|ornull|ordefault|resample|foreach|map|merge|state|simplestate|argmin|argmax|tuple|null)$"
)
SYSTEM = frozenset({"system", "information_schema"})
SYSTEM_TABLES = frozenset(
    {"columns", "databases", "data_type_families", "functions", "numbers", "one", "settings", "tables", "time_zones"}
    | {"key_column_usage", "referential_constraints", "schemata", "statistics", "views"}
)
"""What clients ask of the system's databases to offer tables, columns and functions."""
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
"""Parts of a query that show everything they hold. APPLY is not one: it hides the function that it calls."""
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
"""Other questions about tables, in the form that the engine gives every statement."""
EXPLAINED = re.compile(
    r"EXPLAIN(?: (?:AST|SYNTAX|QUERY TREE|PLAN|PIPELINE|ESTIMATE))?(?: \w+ = \d+,?)* (?:SELECT|WITH|\().*", re.DOTALL
)
CLOSING_SETTINGS = re.compile(r" SETTINGS ([^()]+?)\s*$")
PARALLEL = 8
CONNECTIONS = 100
WAIT_SECONDS = 30.0


def refuse_tree(tree: str, known: AbstractSet[str]) -> int:
    """Raise ServerError for a query, as EXPLAIN AST shows it, that may do more than read; how many SETTINGS it has.

    `known` are the engine's own functions, in small letters: a query that makes a lambda may call it by another name.
    Names stand in the tree as they are, so one with a line break can add lines to it, but take none away.
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
        settings += kind == "Set"
    return settings


def is_harmless(function: str) -> bool:
    """Whether a function in small letters computes from its arguments alone, also one such as sumIf or uniqMerge."""
    while function not in FUNCTIONS and function not in TABLE_FUNCTIONS:
        shorter = COMBINATORS.sub("", function)
        if shorter == function:
            return False
        function = shorter
    return True


def is_new(function: str, made: AbstractSet[str], known: AbstractSet[str]) -> bool:
    """Whether a query itself makes a function of this name, and the engine could mean no other by it."""
    if function not in made:
        return False
    while function not in known:
        shorter = COMBINATORS.sub("", function)
        if shorter == function:
            return True
        function = shorter
    return False


def refuse_database(name: str) -> None:
    """Raise ServerError for a database in which table names would mean the system's."""
    if name.lower() in SYSTEM:
        raise ServerError(ACCESS_DENIED, f"a reader may not use the database {name}: name its tables in full")


def granted(asked: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """The settings that a reader gets for those asked for: limits at most as they stand, others only where they may.

    `now` are the values in force; asking for those changes nothing and is never refused.
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


class Places:
    """How many readers may be connected, and how many of their queries run at once; owners are never counted."""

    def __init__(self, connections: int = CONNECTIONS, parallel: int = PARALLEL, seconds: float = WAIT_SECONDS) -> None:
        self._connections = threading.BoundedSemaphore(connections)
        self._queries = threading.BoundedSemaphore(parallel)
        self._seconds = seconds

    @contextmanager
    def connected(self) -> Iterator[None]:
        """A connection of a reader; raises ServerError where there are too many."""
        if not self._connections.acquire(blocking=False):
            raise ServerError(TOO_MANY_QUERIES, "Too many readers are connected")
        try:
            yield
        finally:
            self._connections.release()

    @contextmanager
    def running(self) -> Iterator[None]:
        """A query of a reader, which waits for its turn; raises ServerError when that takes too long."""
        if not self._queries.acquire(timeout=self._seconds):
            raise ServerError(TOO_MANY_QUERIES, "Too many queries of readers run at once")
        try:
            yield
        finally:
            self._queries.release()
