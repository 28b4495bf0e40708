"""Whether dictionaries can be read: a server reads their sources as a user of its own."""

from contextlib import suppress

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from schemas.reader_access import DICTIONARY_USER, dictionary_statements
from schemas.tables import DICTIONARIES

_SHOWN = 300


def unreadable_dictionaries(client: Client, database: str) -> list[str]:
    """What keeps the declared dictionaries that there are from being read, in words and with the SQL against it.

    Raises what the driver does.
    """
    there = client.execute("SELECT name FROM system.dictionaries WHERE database = currentDatabase()")
    for name in DICTIONARIES:
        if (name,) in there:
            with suppress(ServerException):  # the server keeps it with the dictionary
                client.execute(f"SELECT * FROM {name} LIMIT 1")  # noqa: S608  # our own names
    failing = client.execute(
        "SELECT name, last_exception FROM system.dictionaries "
        "WHERE database = currentDatabase() AND name IN %(declared)s AND last_exception != '' ORDER BY name",
        {"declared": DICTIONARIES},
    )
    if not failing:
        return []
    return [
        f"dictionaries {', '.join(name for name, _ in failing)} cannot be read ({failing[0][1]:.{_SHOWN}}): "
        f"restart an embedded platform; where a real server has no user {DICTIONARY_USER}, or it lacks a grant, run "
        "as an administrator of ClickHouse: "
        f"{'; '.join(dictionary_statements(database))}"
    ]
