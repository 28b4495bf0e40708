"""The tables that a rebuild fills: their names, the constraint that fences former epochs, and their exchange.

A rebuilt table accepts no position of an epoch before the rebuild's own. The constraint shows which tables are
exchanged already, and it keeps out workers that still count in a former epoch.
"""

import re

from clickhouse_driver import Client

from schemas.ddl import create
from schemas.tables import FACTS, PROGRESS, WINDOWS, Table
from schemas.topics import EVENTS
from streams.counting.log_position import pack
from streams.storage.epochs import Entry

REBUILT = (WINDOWS, FACTS, PROGRESS)
"""In the order of their exchange."""
REPLAYED = "progress_replayed"
"""How far the rebuild itself has counted its log."""
NAMES = {WINDOWS.name: f"{WINDOWS.name}_rebuilt", FACTS.name: f"{FACTS.name}_rebuilt", PROGRESS.name: REPLAYED}
"""The tables that counting writes during a rebuild."""
_NEXT_EPOCH = pack(1, 0, 0)


def rebuilt_name(table: Table) -> str:
    """The name of the table that is to replace this one."""
    return f"{table.name}_rebuilt"


def make(client: Client, entry: Entry, replicated: bool) -> None:
    """Make the tables of a rebuild, empty; raises what the driver does."""
    drop(client)
    for table, name in [*((table, rebuilt_name(table)) for table in REBUILT), (PROGRESS, REPLAYED)]:
        # As declared, whatever the serving table has become.
        client.execute(create(table.name, replicated, name))
        constraint = f"{_constraint(entry)} CHECK pos >= {pack(entry.epoch - 1, 0, 0)}"
        client.execute(f"ALTER TABLE {name} ADD CONSTRAINT {constraint}")


def drop(client: Client) -> None:
    """Drop the tables of a rebuild, or after the exchange the former ones; raises what the driver does."""
    for name in (*map(rebuilt_name, REBUILT), REPLAYED):
        client.execute(f"DROP TABLE IF EXISTS {name} SYNC SETTINGS max_table_size_to_drop = 0")


def is_exchanged(client: Client, table: Table, entry: Entry) -> bool:
    """Whether the serving table is the one that this rebuild made; raises what the driver does."""
    rows = client.execute(
        "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = %(name)s",
        {"name": table.name},
    )
    constraints = re.findall(r"CONSTRAINT `?(from_epoch_\d+)`? CHECK", rows[0][0]) if rows else []
    return _constraint(entry) in constraints


def exchange(client: Client, table: Table, replicated: bool) -> None:
    """Exchange a serving table with its rebuilt one, atomically; raises what the driver does."""
    if not client.execute(f"EXISTS TABLE {table.name}")[0][0]:
        client.execute(create(table.name, replicated))
    client.execute(f"EXCHANGE TABLES {table.name} AND {rebuilt_name(table)}")


def resume_at(client: Client, entry: Entry, partition: int, offset: int, *, new_numbers: bool) -> None:
    """Write the progress from which workers will resume at this offset; raises what the driver does.

    The ledger of the serving progress is kept, so that a rebuild does not hide that progress was moved, or that there
    were more cases than raw events show. With `new_numbers` the log is another one, and cases are numbered from 1.
    """
    ledger = (
        "if(progress.offset = %(last)s, progress.records, 0) AS records, "
        "if(progress.offset = %(last)s, progress.skipped, %(offset)s) AS skipped, "
        f"{'toUInt32(0)' if new_numbers else 'progress.dossiers'} AS dossiers"
    )
    client.execute(
        f"INSERT INTO {rebuilt_name(PROGRESS)} SELECT * REPLACE "  # noqa: S608  # our names
        f"(toUInt64(%(pos)s) AS pos, toUInt64(%(last)s) AS offset, {ledger}) "
        "FROM progress FINAL WHERE topic = %(topic)s AND partition = %(partition)s",
        {
            "pos": pack(entry.epoch, offset, 0) - 1,
            "last": offset - 1,
            "offset": offset,
            "topic": EVENTS,
            "partition": partition,
        },
    )


def resume_after_replay(client: Client) -> None:
    """Write the progress with which workers resume behind what the rebuild has counted; raises what the driver does."""
    client.execute(
        f"INSERT INTO {rebuilt_name(PROGRESS)} SELECT * REPLACE (pos + {_NEXT_EPOCH} AS pos) FROM {REPLAYED} FINAL"  # noqa: S608  # our names
    )


def _constraint(entry: Entry) -> str:
    return f"from_epoch_{entry.epoch - 1}"
