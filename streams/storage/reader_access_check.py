"""Compares what the user `reader` may do in ClickHouse with what `schemas/reader_access.py` declares.

There are two sources, each used where it can be: what the server's catalogue of users shows to an administrator, and
what happens when the reader itself tries, where its password is known. The embedded server has no such catalogue.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ServerException
from msgspec import structs

from schemas.connection import ClickHouseConnection, Secret
from schemas.reader_access import CHANGEABLE, LIMITS, READER, UNREADABLE
from schemas.reader_access_comparison import Behaviour, Catalogue, Comparison, Element, is_within, judge
from schemas.tables import DICTIONARIES, TABLES, VIEWS, called
from streams.storage.clickhouse_client import ACCESS_DENIED, NO_LOGIN, connect, explain

_REFUSED = {ACCESS_DENIED, 164, 452, 46, 446}
"""Codes of a refusal: access, readonly mode, a constraint; the server has no such function, or allows it to nobody."""
_BUSY = {159, 202, 241}
"""Codes that answer no question of access: a timeout, too many queries, no memory."""

READABLE = (*(table.name for table in TABLES if table.name not in UNREADABLE), *VIEWS, *DICTIONARIES)
"""What the reader must be able to read."""
_FORBIDDEN = {
    "read names of officials": "SELECT * FROM {database}.official_names LIMIT 0",
    "insert rows": "INSERT INTO {database}.windows SELECT * FROM {database}.windows WHERE 0",
    "create tables": "CREATE TABLE IF NOT EXISTS {database}.windows (x UInt8) ENGINE = Null",
    "alter tables": "ALTER TABLE {database}.windows DROP COLUMN IF EXISTS no_such_column",
    "read files of the server": "SELECT * FROM file('no-such-file', 'LineAsString', 'line String') LIMIT 0",
    "read URLs": "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'line String') LIMIT 0",
    "read other servers": "SELECT * FROM remote('127.0.0.1:1', system.one) LIMIT 0",
    "leave readonly mode": "SELECT 1 SETTINGS readonly = 0",
    "change settings that are not declared": "SELECT 1 SETTINGS max_ast_depth = 1001",
}
"""What the reader must not be able to do, with a statement that tries it; one that succeeds changes nothing."""
_VALUES = {"join_algorithm": ("hash", "default"), "session_timezone": ("UTC", "Asia/Ho_Chi_Minh")}
"""Two values that a changeable setting takes; others take 0 and 1."""


def compare_reader(clickhouse: ClickHouseConnection, password: Secret) -> Comparison:
    """Compare the reader of a migrated database; an empty password is not known. Raises Unreachable."""
    try:
        catalogue = _catalogue(clickhouse)
        behaviour = None
        if password.reveal():
            behaviour = behaviour_of(structs.replace(clickhouse, user=READER, password=password))
    except (Error, OSError, EOFError) as error:
        raise explain(error, clickhouse) from error
    return judge(catalogue, behaviour, clickhouse.database)


def _catalogue(clickhouse: ClickHouseConnection) -> Catalogue | None:
    """What this user is shown of the reader; None where it may not look."""
    with _client(clickhouse) as client:
        try:
            users = client.execute(
                "SELECT toString(auth_type) FROM system.users WHERE name = %(reader)s", {"reader": READER}
            )
            if not users:
                return Catalogue("")
            grants = client.execute(f"SHOW GRANTS FOR {READER}")
            elements = client.execute(
                "SELECT profile_name, user_name, setting_name, value, max, toString(writability), inherit_profile "
                "FROM system.settings_profile_elements WHERE role_name IS NULL ORDER BY index"
            )
        except ServerException as error:
            if error.code == ACCESS_DENIED:
                return None
            raise
    return Catalogue(users[0][0], tuple(line for (line,) in grants), tuple(Element(*row) for row in elements))


def behaviour_of(reader: ClickHouseConnection) -> Behaviour:
    """What happens when the reader tries what it must be able to do, and what it must not."""
    # A database that it may not see must not end its login.
    with _client(structs.replace(reader, database="")) as client:
        try:
            current = dict(client.execute("SELECT name, value FROM system.settings"))
        except ServerException as error:
            if error.code in NO_LOGIN:
                return Behaviour(logs_in=False)
            raise
        access = [
            f"`{READER}` cannot read {reader.database}.{name}"
            for name in READABLE
            if _error_of(client, f"SELECT * FROM {reader.database}.{called(name)} LIMIT 0")  # noqa: S608  # our own names
        ]
        access += [
            f"`{READER}` can {what}"
            for what, sql in _FORBIDDEN.items()
            if _error_of(client, sql.format(database=reader.database)) not in _REFUSED
        ]
        settings = [*_limits(client, current), *_changeable(client, current)]
    return Behaviour(logs_in=True, access=tuple(access), settings=tuple(settings))


def _limits(client: Client, current: Mapping[str, str]) -> Iterator[str]:
    for name, limit in LIMITS.items():
        if not is_within(current.get(name), limit):
            yield f"{name} is {current.get(name)}, declared {limit}"
            continue
        # A server refuses to give more, or gives the maximum.
        asked = f"SELECT value FROM system.settings WHERE name = '{name}' SETTINGS {name} = {limit + 1}"  # noqa: S608
        try:
            ((given,),) = client.execute(asked)
        except ServerException as error:
            if error.code in _REFUSED:
                continue
            raise
        if not is_within(given, limit):
            yield f"{name} can be raised above {limit}"


def _changeable(client: Client, current: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(CHANGEABLE & current.keys()):
        # A value that is in force already changes nothing, and is never refused.
        value = next(each for each in _VALUES.get(name, ("0", "1")) if each != current[name])
        if _error_of(client, f"SELECT 1 SETTINGS {name} = '{value}'"):
            yield f"{name} cannot be changed by `{READER}`, declared changeable"


def _error_of(client: Client, sql: str) -> int:
    """The code with which a statement fails; 0 where it succeeds."""
    try:
        client.execute(sql)
    except ServerException as error:
        if error.code in _BUSY:
            raise
        return int(error.code)
    return 0


@contextmanager
def _client(connection: ClickHouseConnection) -> Iterator[Client]:
    client = connect(connection)
    try:
        yield client
    finally:
        client.disconnect()
