"""As little SQL as the server must know; the engine's own parser decides everything it can be asked about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from deploy.embedded.clickhouse.errors import NOT_SUPPORTED, ServerError

TOKEN = re.compile(
    r"(?P<gap>\s+|--[^\n]*|/\*.*?\*/)"
    r"|(?P<string>'(?:\\.|''|[^'\\])*'|\$(\w*)\$.*?\$\3\$)"
    r"|`(?:\\.|[^`\\])*`|\"(?:\\.|[^\"\\])*\"|\w+|.",
    re.DOTALL,
)
NAME = re.compile(r"[\w`\"]")
AWAITS_DATA = re.compile(r"\b(?:VALUES|FORMAT\s+\w+)[\s;]*$", re.IGNORECASE)
MENTIONS_FORMAT = re.compile(r"\b(?:FORMAT|OUTFILE|TOTALS)\b", re.IGNORECASE)
FOREIGN_ENGINE = re.compile(r"Kafka|RabbitMQ|NATS|Replicated\w*|Shared\w*MergeTree|ZooKeeper\w*", re.IGNORECASE)
ACCESS = frozenset({"USER", "ROLE", "POLICY", "ROW", "QUOTA", "PROFILE", "SETTINGS"})
SELECTS = frozenset({"SELECT", "WITH", "FROM", "("})


@dataclass(frozen=True, slots=True)
class Token:
    """A word, name, string or sign of a statement."""

    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """Its text, comparable with a keyword."""
        return self.text.upper()


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT whose rows follow as blocks; `columns` is empty where it names none."""

    target: str
    columns: tuple[str, ...] = ()
    column_list: str = ""
    settings: str = ""

    def from_file(self, path: str) -> str:
        """The statement that inserts the blocks in a file; `path` must contain no quote."""
        return f"INSERT INTO {self.target} {self.column_list} FROM INFILE '{path}' {self.settings} FORMAT Native"


def tokens(sql: str) -> Iterator[Token]:
    """The statement without blanks and comments, one piece after another."""
    for match in TOKEN.finditer(sql):
        if not match["gap"]:
            yield Token(match[0], match.start(), match.end())


def first_word(sql: str) -> str:
    """The keyword a statement begins with."""
    return next((token.word for token in tokens(sql)), "")


def without_end(sql: str) -> str:
    """The statement without the semicolons, and the comments, that it may end with."""
    if ";" not in sql:
        return sql
    last = 0
    for token in tokens(sql):
        if token.text != ";":
            last = token.end
    return sql[:last]


def without_format(sql: str) -> str:
    """A query without its closing FORMAT, which is the client's business.

    Raises ServerError for what has no answer in blocks: INTO OUTFILE, and WITH TOTALS, which the engine would drop.
    """
    if not MENTIONS_FORMAT.search(sql):
        return sql
    parts = list(tokens(sql))
    words = [token.word for token in parts]
    for first, second in pairwise(words):
        if (first, second) in {("INTO", "OUTFILE"), ("WITH", "TOTALS")}:
            raise ServerError(NOT_SUPPORTED, f"{first} {second} is not supported here")
    for index in range(len(parts) - 1, 0, -1):
        token, following = parts[index], parts[index + 1 : index + 3]
        if token.word != "FORMAT" or not following or not following[0].text.isidentifier():
            continue
        if len(following) == 1 or following[1].word == "SETTINGS":
            return sql[: token.start] + sql[following[0].end :]
    return sql


def refuse_foreign(sql: str) -> None:
    """Raise ServerError for a statement that needs what only a full ClickHouse server has."""
    parts = list(tokens(sql))
    words = [token.word for token in parts]
    if words[:1] in (["GRANT"], ["REVOKE"]) or (
        words[:1] in (["CREATE"], ["ALTER"], ["DROP"]) and not ACCESS.isdisjoint(words[1:2])
    ):
        raise ServerError(NOT_SUPPORTED, "users, roles, grants and quotas are settings of the embedded server, not SQL")
    for index, word in enumerate(words):
        if words[index : index + 2] == ["ON", "CLUSTER"]:
            raise ServerError(NOT_SUPPORTED, "ON CLUSTER needs a cluster: leave it out on the embedded server")
        if word == "ENGINE":
            name = parts[index + 1 : index + 3]
            engine = next((token.text for token in name if token.text != "="), "")
            if FOREIGN_ENGINE.fullmatch(engine):
                raise ServerError(NOT_SUPPORTED, f"ENGINE = {engine} is not supported by the embedded server")


def parse_insert(sql: str) -> Insert | None:
    """The INSERT when its rows are to follow as blocks, else None; raises ServerError when its columns are no names."""
    if first_word(sql) != "INSERT" or not (tail := AWAITS_DATA.search(sql)):
        return None
    parts = list(tokens(sql[: tail.start()]))
    position = 2 if [token.word for token in parts[1:2]] == ["INTO"] else 1
    position += [token.word for token in parts[position : position + 1]] == ["TABLE"]
    start = position
    while position < len(parts) and (position == start or "." in (parts[position].text, parts[position - 1].text)):
        position += 1
    name = parts[start:position]
    if not name or not NAME.match(name[-1].text) or name[0].word in {"FUNCTION", "SELECT"}:
        return None
    columns, column_list = _column_list(parts[position:])
    rest = parts[position + len(column_list) :]
    if rest and rest[0].word != "SETTINGS":
        return None
    return Insert(
        target="".join(token.text for token in name),
        columns=tuple(columns),
        column_list=sql[column_list[0].start : column_list[-1].end] if column_list else "",
        settings=sql[rest[0].start : tail.start()] if rest else "",
    )


def _column_list(parts: list[Token]) -> tuple[list[str], list[Token]]:
    """The names in a column list, and the tokens it takes."""
    if not parts or parts[0].text != "(":
        return [], []
    names = [""]
    for index, token in enumerate(parts[1:], 2):
        if token.text == ")":
            return names, parts[:index]
        if token.text == ",":
            names.append("")
        elif NAME.match(token.text) or token.text == ".":
            names[-1] += unquoted(token.text)
        else:
            break
    raise ServerError(NOT_SUPPORTED, "the columns of an INSERT must be a list of names here")


def unquoted(name: str) -> str:
    """A name without the quotes around it."""
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name[:1] in ("`", '"') else name


def quoted(name: str) -> str:
    """A name as it may stand in a statement, whatever it contains."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(value: str) -> str:
    """A string as it may stand in a statement."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
