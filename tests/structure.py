"""`python -m tests.structure` writes schemas/generated/structure.sql: what migrations make, in the engine's words."""

import tempfile
from pathlib import Path

from clickhouse_driver import Client
from msgspec import structs

from deploy.embedded.platform import Options, Platform
from schemas import ddl
from streams.storage.clickhouse_client import connect

FILE = Path(ddl.__file__).parent / "generated" / "structure.sql"
_HEAD = "-- What all migrations together make. Written by `python -m tests.structure`, never by hand.\n"


def written(client: Client) -> str:
    """The file for what the migrations have made in the client's database."""
    (database,) = client.execute("SELECT currentDatabase()")[0]
    rows = client.execute(
        "SELECT formatQuery(create_table_query) FROM system.tables WHERE database = currentDatabase() "
        "AND engine NOT IN ('View', 'Dictionary') AND NOT startsWith(name, 'refresh_') AND NOT startsWith(name, '.') "
        "ORDER BY engine = 'MaterializedView', name"
    )
    return _HEAD + "".join(f"{text.replace(f'{database}.', '')};\n\n" for (text,) in rows).rstrip("\n") + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Platform(Path(folder), Options(kafka=False)) as platform:
        own = structs.replace(platform.clickhouse_access, database="structure_of_migrations")
        client = connect(structs.replace(own, database=""))
        client.execute(f"CREATE DATABASE {own.database}")
        client.disconnect()
        client = connect(own)
        for script in (ddl.preamble(replicated=False), *ddl.migrations(replicated=False)):
            for statement in script.statements:
                client.execute(statement)
        FILE.write_text(written(client))
        client.disconnect()


if __name__ == "__main__":
    main()
