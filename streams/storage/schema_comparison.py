"""A database compared with its declaration: each table, trigger and view that differs, in words.

The engine itself formats both sides, so only differences in meaning count. Comments do not matter.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from msgspec import Struct

from schemas.ddl import Script, create, structure
from schemas.tables import ARGUMENTS, DICTIONARIES, REFRESHES, VIEWS
from streams.storage.formatted_statements import formatted, found_statements
from streams.storage.query_columns import Columns, QueryColumns, read_columns

REBUILDABLE = ("windows", "facts")
"""Tables that a rebuild can restore from the others."""
ROLLUPS = ("city_past", "city_waiting", "agency_past", "agency_months", "receiver_days", "data_conflicts")
"""Tables that refreshable views fill: they hold nothing of their own."""
DERIVED = ("sources", "sources_of_events", *ROLLUPS, "pulse", "audits")
"""Tables that can be made again at any time: no count depends on them, and they fill by themselves."""
_REFILLED = {
    "sources": "INSERT INTO sources SELECT source, max(occurred_at), max(published_at) FROM events GROUP BY source"
}
_SHOWN = 160


class Difference(Struct, frozen=True):
    """A difference from the declaration, and the statements that repair it; without any, a person must repair it."""

    name: str
    words: str
    repair: tuple[str, ...] = ()


def table_differences(client: Client, replicated: bool) -> Iterator[Difference]:
    """Tables and triggers that are missing or differ; raises what the driver does."""
    found = found_statements(client)
    declared = dict(zip(structure(), formatted(client, list(structure().values())), strict=True))
    for name in (*DICTIONARIES, *VIEWS, *REFRESHES):
        if found.get(name, "").startswith("CREATE TABLE"):
            kind = "dictionary" if name in DICTIONARIES else "view"
            words = f"{name} is a table where a {kind} is declared: rename or drop it, then run `dossier migrate`"
            yield Difference(name, words)
    for name, text in declared.items():
        if name not in found:
            yield _missing(name, replicated)
        elif name in ROLLUPS and not found[name]:
            # A disk was full while its view exchanged it, and the view cannot fill it any more.
            words = f"table {name} has lost its definition"
            yield Difference(name, words, (f"DROP TABLE {name}", create(name, replicated)))
        elif name == "sources_of_events":
            if (line := _first_difference(text, found[name])) is not None:
                repair = (f"DROP TABLE {name}", create(name, replicated), _REFILLED["sources"])
                yield Difference(name, f"trigger {name} {line}", repair)
        else:
            yield from _of_table(name, elements(text), elements(found[name]))


class Views:
    """Views and dictionaries as they were when this was made, compared with the scripts that make them."""

    def __init__(self, client: Client, views: Sequence[Script]) -> None:
        self._client = client
        self._found = found_statements(client)
        self._columns = read_columns(client)
        self._declared = dict(zip(views, formatted(client, [view.statements[-1] for view in views]), strict=True))
        self._described: QueryColumns | None = QueryColumns(client, self._found, self._columns)

    def is_occupied(self, view: Script) -> bool:
        """Whether a table has this name: making the view or dictionary would drop it."""
        return self._found.get(view.name.removesuffix(".sql"), "").startswith("CREATE TABLE")

    def difference(self, view: Script) -> str | None:
        """In words, how a view or dictionary differs from what this script makes; None where it does not.

        A view's columns are compared with those that the script would give it on the present tables and views. One that
        takes arguments has no columns of its own: it is expanded where it is called.
        """
        name = view.name.removesuffix(".sql")
        if name in DICTIONARIES:
            if name not in self._found:
                return f"dictionary {name} is missing"
            line = _first_difference(self._declared[view], self._found[name])
            return None if line is None else f"dictionary {name} {line}"
        if name not in self._found:
            return f"view {name} is missing"
        if line := _first_difference(self._declared[view], _without_columns(self._found[name])):
            return f"view {name} {line}"
        _, _, select = view.statements[-1].partition(" AS\n")
        try:
            columns = self._describe(_filled(select))
        except ServerException as error:
            reason = error.message.partition("Stack trace")[0].partition("DB::Exception: ")[2]
            return f"view {name} cannot be made from the present tables: {_quoted(reason.strip())}"
        if name in ARGUMENTS:
            return None
        should, is_ = ["\n".join(map(" ".join, each)) for each in (columns, self._columns[name])]
        line = _first_difference(should, is_)
        return None if line is None else f"view {name} {line}"

    def forget_columns(self) -> None:
        """Something was made anew: columns of queries may no longer be those of before."""
        self._described = None

    def _describe(self, select: str) -> Columns:
        if self._described is None:
            self._described = QueryColumns(self._client, found_statements(self._client), read_columns(self._client))
        return self._described.of(select)


def elements(text: str) -> dict[str, str]:
    """The parts of a formatted CREATE TABLE by name, such as `column dossier`, `ttl` or `setting x`.

    The constraint with which a rebuild fences former epochs is left out.
    """
    head, _, body = text.partition("\n(\n")
    inner, _, clauses = body.partition("\n)\n")
    found = {"kind": head.partition(" ")[0]}
    for item in re.split(r",\n(?=    \S)", inner):
        if column := re.match(r"    `(?P<name>(?:[^`\\]|\\.)+)` (?P<rest>.*)", item, re.DOTALL):
            found[f"column {column['name']}"] = column["rest"]
        elif not re.fullmatch(r"    CONSTRAINT `?from_epoch_\d+`? CHECK pos >= \d+", item):
            word, name, rest = [*item.split(maxsplit=2), "", ""][:3]
            found[f"{word.lower()} {name}"] = rest
    for clause in re.split(r"\n(?=\S)", clauses):
        word, _, rest = clause.partition(" ")
        if word == "SETTINGS":
            found |= {f"setting {key}": value for key, _, value in (each.partition(" = ") for each in rest.split(", "))}
        elif word:
            found[word.lower()] = rest.removeprefix("= ")
    return found


def _without_columns(view: str) -> str:
    """A formatted CREATE VIEW without its list of columns, which the engine adds."""
    head, _, rest = view.partition("\n(\n")
    return view if "\nAS " in head else f"{head}\n{rest.partition(chr(10) + ')' + chr(10))[2]}"


def _filled(select: str) -> str:
    """A query with the default of its type in place of each parameter, such as `{as_of:Date}`."""
    return re.sub(
        r"\{\w+:(?P<type>[^{}]+)\}",
        lambda match: "defaultValueOfTypeName('{}')".format(match["type"].replace("'", "\\'")),
        select,
    )


def _missing(name: str, replicated: bool) -> Difference:
    if name in DERIVED:
        refilled = (_REFILLED["sources"],) if name.startswith("sources") else ()
        kind = "trigger" if name == "sources_of_events" else "table"
        return Difference(name, f"{kind} {name} is missing", (create(name, replicated), *refilled))
    if name in REBUILDABLE:
        return Difference(name, f"table {name} is missing: stop the workers, then run `dossier rebuild`")
    return Difference(name, f"table {name} is missing: no other table has its content, restore the database's backup")


def _of_table(name: str, declared: dict[str, str], found: dict[str, str]) -> Iterator[Difference]:
    for key in [*declared, *(key for key in found if key not in declared)]:
        is_, should = found.get(key), declared.get(key)
        if is_ == should:
            continue
        words = f"table {name}: {key} is {_quoted(is_)}, declared is {_quoted(should)}"
        if repair := _repair(name, key, is_, should):
            yield Difference(name, words, repair)
        else:
            yield Difference(name, f"{words}; {_advice(name, key, should)}")


def _advice(name: str, key: str, should: str | None) -> str:
    what, _, named = key.partition(" ")
    if should is None and what in ("column", "index", "projection"):
        return f"drop it unless it is meant: ALTER TABLE {name} DROP {what.upper()} {named}"
    if name in DERIVED:
        return f"drop the table, `dossier migrate` makes it again: DROP TABLE {name}"
    if name in (*REBUILDABLE, "progress"):
        return "stop the workers and run `dossier rebuild`, which makes the table again"
    return "it cannot be changed in place: restore the database's backup"


def _repair(name: str, key: str, is_: str | None, should: str | None) -> tuple[str, ...]:
    """Statements that repair it and change no row; none where there are none."""
    what, _, named = key.partition(" ")
    if what == "ttl":
        return (f"ALTER TABLE {name} {'REMOVE TTL' if should is None else f'MODIFY TTL {should}'}",)
    if what == "setting":
        setting = f"RESET SETTING {named}" if should is None else f"MODIFY SETTING {named} = {should}"
        return (f"ALTER TABLE {name} {setting}",)
    if what == "constraint" and should is None:
        return (f"ALTER TABLE {name} DROP CONSTRAINT {named}",)
    if what == "column" and is_ and should and _stored(is_) == _stored(should):
        steps = [f"MODIFY COLUMN `{named}` REMOVE {part}" for part in ("TTL", "CODEC") if f" {part}" in is_]
        return tuple(f"ALTER TABLE {name} {step}" for step in [*steps, f"MODIFY COLUMN `{named}` {should}"])
    return ()


def _stored(column: str) -> str:
    """A column's type and default, without its compression and TTL."""
    return re.sub(r" CODEC\((?:[^()]|\([^()]*\))*\)| TTL .*", "", column)


def _first_difference(declared: str, found: str) -> str | None:
    """How two formatted statements differ, at the first place where they do."""
    should, is_ = [[line.strip().rstrip(",") for line in text.splitlines()] for text in (declared, found)]
    places = [
        place for place in SequenceMatcher(None, should, is_, autojunk=False).get_opcodes() if place[0] != "equal"
    ]
    if not places:
        return None
    _, begin, end, first, last = places[0]
    missing, other = " ".join(should[begin:end]) or None, " ".join(is_[first:last]) or None
    more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
    return f"says {_quoted(other)} where {_quoted(missing)} is declared{more}"


def _quoted(text: str | None) -> str:
    """A text shortened and without control characters, as anybody may have written it."""
    if text is None:
        return "nothing"
    plain = "".join(character if character.isprintable() else " " for character in text)
    return f"`{plain if len(plain) <= _SHOWN else plain[:_SHOWN] + '…'}`"
