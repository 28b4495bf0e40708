"""`python -m bench.statements`: CPU time of the embedded server per small statement, with and without a DESCRIBE.

A DESCRIBE plans the statement once more. The server needs none for a query whose shape it knows, so each statement is
run in a shape that is new each time, and in one that stays. Both take turns in the same run.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice, product, repeat
from pathlib import Path

import click
import msgspec
import psutil
from clickhouse_driver import Client
from msgspec import Struct

from bench.command_options import command_of, data_option, out_options, write_result
from bench.embedded_store import embedded_store
from bench.machine import Machine, this_machine
from bench.wallboard import make
from grafana.sql_queries import query
from schemas.counters import COUNTERS
from schemas.tables import REFRESHES
from streams.storage.clickhouse_client import connect
from streams.storage.rollups import refresh

_DOSSIERS = 5000
_TURN = 10
"""Statements of one kind after another: the system counts CPU time in hundredths of a second."""
_YEAR = "way = 'today', since = today() - 365, until = today()"
_NODES = f"SELECT node, {', '.join(f'sum({each})' for each in COUNTERS)} FROM node_figures({_YEAR}) GROUP BY node"  # noqa: S608  # our names
QUERIES = {
    "SELECT 1": "SELECT 1",
    "a query of a wallboard": query("city", period="month"),
    "node_figures, all counters": _NODES,
    "windows of an agency, a time in each row": "SELECT window, received FROM windows WHERE agency = 'H26.1' LIMIT 20",
    "facts of a dossier that is unknown, no row": "SELECT dossier, outcome FROM facts WHERE dossier = 'unknown'",
}
_COLUMNS = "agency, window, partition, pos, received"
_ROW = ("H26.1", 1_700_000_000, 0, 1, 1)


class Row(Struct, frozen=True):
    """CPU milliseconds of the server per statement: with a DESCRIBE before it, and of a shape or text that is known."""

    statement: str
    rounds: int
    described_ms: float
    known_ms: float
    ratio: float


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]


def measured(client: Client, server: psutil.Process, seconds: float) -> list[Row]:
    """Run every statement in both ways until the server has spent so many seconds of CPU time on it."""

    def ask(sql: str, name: str) -> None:
        client.execute(f"SELECT * FROM (\n{sql}\n) AS {name}")  # noqa: S608  # our own text

    def insert(_: str, name: str) -> None:
        # The server knows an INSERT by its text.
        client.execute(f"INSERT INTO windows ({_COLUMNS} /* {name} */) VALUES", [_ROW])

    rows = [_row(statement, server, partial(ask, sql), seconds) for statement, sql in QUERIES.items()]
    return [*rows, _row("an INSERT of one row", server, partial(insert, ""), seconds)]


def _row(statement: str, server: psutil.Process, run: Callable[[str], None], seconds: float) -> Row:
    # Names without a digit: the shape of a statement is without its numbers.
    names = map("".join, product("abcdefghij", repeat=6))
    for _ in range(2):
        run("stays")
    described = known = 0.0
    rounds = 0
    while described + known < seconds:
        described += _cpu_seconds(server, run, islice(names, _TURN))
        known += _cpu_seconds(server, run, repeat("stays", _TURN))
        rounds += _TURN
    took = [round(each * 1000 / rounds, 2) for each in (described, known)]
    return Row(statement, rounds, took[0], took[1], round(described / known, 2) if known else 0.0)


def _cpu_seconds(server: psutil.Process, run: Callable[[str], None], names: Iterable[str]) -> float:
    before = server.cpu_times()
    for name in names:
        run(name)
    after = server.cpu_times()
    return after.user + after.system - before.user - before.system


@click.command()
@click.option("--seconds", type=float, default=6.0, show_default=True, help="CPU time for each statement.")
@data_option("Where its own folder, bench-statements, is made anew.")
@out_options("statements")
def main(seconds: float, data: Path, out: Path) -> None:
    """Run small statements, with and without a DESCRIBE before them."""
    folder = data.absolute() / "bench-statements"
    with embedded_store(folder) as store, connect(store.clickhouse) as client:
        make(client, _DOSSIERS)
        refresh(client, REFRESHES)
        client.execute("SYSTEM STOP VIEWS")
        rows = measured(client, store.server, seconds)
    write_result(out, Result(this_machine(), command_of("bench.statements"), rows))
    for row in rows:
        click.echo(msgspec.json.encode(row))


if __name__ == "__main__":
    main()
