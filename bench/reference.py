"""`python -m bench.reference`: loading 3,400 agencies and 6,000 procedures, and figures of their tree over a year.

The tree has four levels. In the middle of the year every second commune was merged into its neighbour. Each query is
asked as dashboards ask it; beside them stands what the same figures take from windows themselves, as reports read them.
"""

import csv
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import click
import msgspec
from clickhouse_driver import Client
from msgspec import Struct

from bench.command_options import command_of, data_option, out_options, write_result
from bench.embedded_store import embedded_store
from bench.machine import Machine, this_machine
from bench.wallboard import make, seconds
from connectors.reference.reading import read_agencies, read_procedures
from connectors.reference.writing import Record, agency_record, cell, procedure_record
from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from schemas.reference.agency import Agency, Level
from schemas.reference.procedure import ProcedureVersion, ServiceLevel
from schemas.reference.validity import LAST_DAY
from schemas.tables import REFRESHES
from streams.reference.kinds import KINDS
from streams.reference.loads import write
from streams.reports.node_report import Selection, node_report
from streams.storage.clickhouse_client import connect
from streams.storage.rollups import refresh
from streams.worker.heartbeat_row import quantile

AGENCIES = 3400
PROCEDURES = 6000
_VERSIONS = 3
_DEPARTMENTS, _WARDS = 20, 400
"""Codes up to these numbers are the departments and districts, and what lies directly below them."""


class Row(Struct, frozen=True):
    """What was done, and how long it took at half of the tries and at worst."""

    what: str
    rounds: int
    median_ms: float
    worst_ms: float


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]


def agencies(merger: date) -> list[Agency]:
    """A tree of four levels; on the day of the merger every second commune ended, and its neighbour took it over."""
    found = [Agency(code="H26.0", name_vi="Thành phố", level="province")]
    for number in range(1, AGENCIES):
        code, name = f"H26.{number}", f"Cơ quan {number}"
        level: Level = "commune"
        if number < _DEPARTMENTS:
            parent, level = "H26.0", "department"
        elif number < _WARDS:
            parent, level = f"H26.{1 + number % (_DEPARTMENTS - 1)}", "centre"
        else:
            parent = f"H26.{_DEPARTMENTS + number % (_WARDS - _DEPARTMENTS)}"
        is_merged = level == "commune" and number % 2 == 1
        found.append(
            Agency(
                code=code,
                name_vi=name,
                parent=parent,
                level=level,
                group="xã phường" if level == "commune" else level,
                valid_to=merger - timedelta(days=1) if is_merged else LAST_DAY,
                successors=(f"H26.{number - 1}",) if is_merged else (),
            )
        )
    return found


def procedures() -> list[ProcedureVersion]:
    """Procedures in versions of one year each, the last one without an end."""
    offered: tuple[ServiceLevel, ...] = ("full", "partial", "information")
    return [
        ProcedureVersion(
            code=f"1.{number}",
            name_vi=f"Thủ tục {number}, bản {version}",
            field=f"Lĩnh vực {number % 60}",
            levels=("commune",),
            service_level=offered[number % 3],
            term=5 + number % 30,
            unit="working days",
            valid_from=date(2023 + version, 1, 1),
            valid_to=LAST_DAY if version == _VERSIONS - 1 else date(2023 + version, 12, 31),
        )
        for number in range(1, PROCEDURES + 1)
        for version in range(_VERSIONS)
    ]


def queries(first: date, last: date) -> dict[str, str]:
    """What dashboards ask of a year, by both ways, each by its name."""
    found: dict[str, str] = {}
    for block in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
        name, _, sql = block.strip().removeprefix("-- ").partition("\n")
        sql = sql.replace("{span}", f"since = '{first}', until = '{last}'")
        if "{way}" in sql:
            found |= {f"{name}, {way}": sql.replace("{way}", way) for way in ("then", "today")}
        elif sql:
            found[name] = sql
    return found


def measured(client: Client, clickhouse: ClickHouseConnection, folder: Path, rounds: int) -> list[Row]:
    """Load everything from files, fill the roll-ups, and ask everything so many times."""
    profile, today = Profile(), datetime.now(UTC).date()
    first, last = today - timedelta(days=365), today - timedelta(days=1)
    of_agencies, of_procedures = folder / "agencies.csv", folder / "procedures.csv"
    _write(of_agencies, list(map(agency_record, agencies(today - timedelta(days=150)))))
    _write(of_procedures, list(map(procedure_record, procedures())))

    def load_agencies() -> None:
        write(client, KINDS["agencies"], read_agencies([of_agencies]), by="bench", files=[of_agencies.name])

    def load_procedures() -> None:
        write(client, KINDS["procedures"], read_procedures([of_procedures]), by="bench", files=[of_procedures.name])

    rows = [_row("load agencies", [seconds(load_agencies)]), _row("load procedures", [seconds(load_procedures)])]
    rows += [_row(f"fill by {view}", [seconds(partial(refresh, client, [view]))]) for view in REFRESHES]
    for what, sql in queries(first, last).items():
        _say(what)
        rows.append(_row(what, [seconds(partial(client.execute, sql)) for _ in range(rounds)]))

    def report() -> None:
        since, until = (datetime.combine(day, time(), profile.zone) for day in (first, today))
        node_report(clickhouse, profile, Selection(tree=True), "then", since, until)

    return [*rows, _row("report of the tree, from windows, then", [seconds(report) for _ in range(3)])]


def _row(what: str, times: list[float]) -> Row:
    return Row(what, len(times), round((quantile(times, 0.5) or 0) * 1000, 1), round(max(times) * 1000, 1))


def _write(path: Path, records: list[Record]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(records[0])
        writer.writerows([cell(value) for value in record.values()] for record in records)


_say = partial(click.echo, err=True)


@click.command()
@click.option("--dossiers", default=3.0, show_default=True, help="Millions.")
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True, help="How often each query is asked.")
@data_option("Where its own folder, bench-reference, is made anew; three million dossiers take 1 GB.")
@out_options("reference")
def main(dossiers: float, rounds: int, data: Path, out: Path) -> None:
    """Load reference data, and ask for figures of the tree over so many dossiers."""
    folder = data.absolute() / "bench-reference"
    with embedded_store(folder) as store, connect(store.clickhouse) as client:
        make(client, round(dossiers * 1e6), AGENCIES)
        rows = measured(client, store.clickhouse, folder, rounds)
    write_result(out, Result(this_machine(), command_of("bench.reference"), rows))
    for row in rows:
        click.echo(msgspec.json.encode(row))


if __name__ == "__main__":
    main()
