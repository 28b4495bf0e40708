"""The SQL that creates the database: migrations, dictionaries, then views, with parameters filled in."""

import hashlib
import re
from importlib.resources import files

from msgspec import Struct

from schemas.deployment_profile import Profile
from schemas.sql_parts import filled, sql_parts
from schemas.tables import DICTIONARIES, REFRESHES, VIEWS

PREAMBLE = (
    "CREATE TABLE IF NOT EXISTS migrations\n"
    "(\n"
    "    name       String               COMMENT 'Migration or view',\n"
    "    checksum   String               COMMENT 'SHA-256 of the SQL that was applied',\n"
    "    applied_at DateTime64(3, 'UTC') COMMENT 'When it was applied'\n"
    ")\n"
    "ENGINE = {replicated}ReplacingMergeTree(applied_at)\n"
    "ORDER BY name\n"
    "COMMENT 'What has been applied to this database'"
)
"""The table that records applied migrations, and so cannot be a migration itself."""


class Script(Struct, frozen=True):
    """A migration or view: its name, its statements in order, and the checksum of their text."""

    name: str
    statements: tuple[str, ...]

    @property
    def checksum(self) -> str:
        """SHA-256 of the statements, in hex."""
        return hashlib.sha256("\n;\n".join(self.statements).encode()).hexdigest()


_MADE = re.compile(r"^CREATE (?:TABLE|MATERIALIZED VIEW) (\w+)", re.MULTILINE)


def migrations(replicated: bool) -> tuple[Script, ...]:
    """The migrations in their order; an applied migration never changes, a change is a new migration."""
    folder = files("schemas") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(_script(name, (folder / name).read_text(), _parameters(replicated)) for name in names)


def views(profile: Profile) -> tuple[Script, ...]:
    """The views in their order, recreated whenever their text or the profile has changed."""
    folder = files("schemas") / "views"
    parts = sql_parts(profile)
    return tuple(
        _script(f"{name}.sql", filled((folder / f"{name}.sql").read_text(), parts), {}) for name in (*VIEWS, *REFRESHES)
    )


def dictionaries(profile: Profile, database: str) -> tuple[Script, ...]:
    """The dictionaries, recreated whenever their text or the profile has changed.

    Each names the database in its query: the server runs it in no database.
    """
    folder = files("schemas") / "dictionaries"
    parameters = {"{time_zone}": profile.time_zone, "{database}": database}
    return tuple(_script(f"{name}.sql", (folder / f"{name}.sql").read_text(), parameters) for name in DICTIONARIES)


def structure() -> dict[str, str]:
    """The result of all migrations: by name, the statement that would create each table or trigger today.

    `python -m tests.structure` writes the file from the migrations, and a test compares both.
    """
    text = (files("schemas") / "generated" / "structure.sql").read_text()
    return {match[1]: statement.strip() for statement in text.split(";\n") if (match := _MADE.search(statement))}


def create(name: str, replicated: bool, as_name: str = "") -> str:
    """The statement that creates this table or trigger as declared, under another name where one is given."""
    statement = structure()[name]
    if as_name:
        statement = _MADE.sub(lambda match: match[0].removesuffix(name) + as_name, statement, count=1)
    return re.sub(r"^ENGINE = ", "ENGINE = Replicated", statement, flags=re.MULTILINE) if replicated else statement


def preamble(replicated: bool) -> Script:
    """The table of what has been applied."""
    return _script("preamble", PREAMBLE, _parameters(replicated))


def _parameters(replicated: bool) -> dict[str, str]:
    return {"{replicated}": "Replicated" if replicated else ""}


def _script(name: str, text: str, parameters: dict[str, str]) -> Script:
    for placeholder, value in parameters.items():
        text = text.replace(placeholder, value)
    return Script(name, tuple(statement.strip() for statement in text.split(";\n") if statement.strip()))
