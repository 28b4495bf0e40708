"""The little SQL that the server itself must parse; everything else is left to the engine's own parser."""

import re
from dataclasses import dataclass

from deploy.embedded.clickhouse.errors import NOT_SUPPORTED, ServerError

# Possessive throughout, and what never closes takes the rest: a statement of megabytes must be read in one pass.
QUOTED = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<string>'(?:\\.|''|[^'\\])*+'|(?<![\w$])\$(\w*)\$.*?\$\3\$)"
    r"|`(?:\\.|[^`\\])*+`|\"(?:\\.|[^\"\\])*+\""
    r"|(?:/\*|['`\"]|(?<![\w$])\$\w*+\$).*",
    re.DOTALL,
)
FLAGS = re.IGNORECASE | re.DOTALL
FIRST_WORD = re.compile(r"(?:\s|--[^\n]*|/\*.*?\*/)*+(\w++|.|)", re.DOTALL)
# Comments are long runs of blanks here.
NAME = r"(?:\w++|`++)"
INSERT = re.compile(
    r"\s*+INSERT\s++(?:INTO\s++)?(?:TABLE\s++)?(?!FUNCTION\b)"
    rf"(?P<target>{NAME}(?:\s*+\.\s*+{NAME})*+)\s*+"
    r"(?P<columns>\((?:[^()]++|\([^()]*+\))*+\)|)\s*+"
    r"(?P<settings>SETTINGS\b.*?|)"
    r"\b(?:VALUES|FORMAT\s++\w++)[\s;]*+",
    FLAGS,
)
CLOSING_FORMAT = re.compile(r"\bFORMAT\s++[a-z_]\w*+(?=\s*+$|\s++SETTINGS\b)", FLAGS)
WITHOUT_BLOCKS = re.compile(r"\b(INTO\s++OUTFILE|WITH\s++TOTALS)\b", FLAGS)
ACCESS = re.compile(
    r"\s*+(?:GRANT|REVOKE|(?:CREATE|ALTER|DROP)\s++(?:USER|ROLE|POLICY|ROW|QUOTA|PROFILE|SETTINGS))\b", FLAGS
)
ON_CLUSTER = re.compile(r"\bON\s++CLUSTER\b", FLAGS)
FOREIGN_ENGINE = re.compile(
    r"\bENGINE\s*+=?+\s*+(Kafka|RabbitMQ|NATS|Replicated\w*|Shared\w*MergeTree|ZooKeeper\w*)\b", FLAGS
)
NUMBER = re.compile(r"\d++")
MULTIPLE = "Multi-statements are not allowed: send one query at a time"
EMPTY = "Empty query"
SELECTS = frozenset({"SELECT", "WITH", "FROM", "("})


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT whose rows follow as blocks; `columns` is empty where it names none."""

    target: str
    columns: str = ""
    settings: str = ""

    def from_file(self, path: str) -> str:
        """The statement that inserts the blocks in a file; `path` must contain no quote."""
        return f"INSERT INTO {self.target} {self.columns} FROM INFILE '{path}' {self.settings} FORMAT Native"


def masked(sql: str) -> str:
    """The statement with comments blanked and strings and quoted names masked; every character keeps its place."""

    def mask(found: re.Match[str]) -> str:
        return (" " if found["comment"] else "'" if found["string"] else "`") * len(found[0])

    return QUOTED.sub(mask, sql)


def shape(sql: str) -> str:
    """The statement without comments and literals: what stays the same while a client's values change."""
    names = QUOTED.sub(lambda found: "" if found["comment"] else "'" if found["string"] else found[0], sql)
    return NUMBER.sub("0", names)


def first_word(sql: str) -> str:
    """The keyword a statement begins with."""
    found = FIRST_WORD.match(sql)
    return found[1].upper() if found else ""


def without_end(sql: str) -> str:
    """The statement without closing semicolons and comments."""
    return sql[: len(masked(sql).rstrip("; \t\r\n\f\v"))] if ";" in sql else sql


def without_format(sql: str) -> str:
    """A query without its closing FORMAT, which only the client applies.

    Raises ServerError for what blocks cannot answer: INTO OUTFILE, and WITH TOTALS, which the engine would drop.
    """
    plain = masked(sql)
    if found := WITHOUT_BLOCKS.search(plain):
        raise ServerError(NOT_SUPPORTED, f"{' '.join(found[1].upper().split())} is not supported here")
    if found := CLOSING_FORMAT.search(plain):
        return sql[: found.start()] + sql[found.end() :]
    return sql


def refuse_foreign(sql: str) -> None:
    """Raise ServerError for a statement that needs a full ClickHouse server."""
    plain = masked(sql)
    if ACCESS.match(plain):
        raise ServerError(NOT_SUPPORTED, "users, roles, grants and quotas are settings of the embedded server, not SQL")
    if ON_CLUSTER.search(plain):
        raise ServerError(NOT_SUPPORTED, "ON CLUSTER needs a cluster: leave it out on the embedded server")
    if found := FOREIGN_ENGINE.search(plain):
        raise ServerError(NOT_SUPPORTED, f"ENGINE = {found[1]} is not supported by the embedded server")


def parse_insert(sql: str) -> Insert | None:
    """The INSERT when its rows are to follow as blocks, else None."""
    if first_word(sql) != "INSERT" or not (found := INSERT.fullmatch(masked(sql))):
        return None
    return Insert(*(sql[slice(*found.span(part))] for part in ("target", "columns", "settings")))


def quoted(name: str) -> str:
    """A quoted name for a statement, whatever the name contains."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(value: str) -> str:
    """A string literal for a statement."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
