"""`python -m bench.hot`: what an event costs where one dossier, or one agency, has far more than any other.

Each case is counted in this process, one batch after another, into a ClickHouse that holds what the case begins with.
The first case is what the others are held against: as many events, spread over many dossiers.
"""

import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path

import click
from msgspec import Struct

from bench.command_options import command_of, out_options, write_result
from bench.hot_stores import BEGIN, WINDOW, WINDOWS, make_full_dossiers, make_windows, paid, received
from bench.machine import Machine, this_machine
from bench.process_usage import peak_mb
from bench.profile import AtOnce
from chaos.memory_store import MemoryDeadLetters
from cli.signals import stop_signals
from deploy.embedded.platform import Options, Platform
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import Profile
from schemas.envelope import MAX_EVENTS, MAX_LINES, encode, encode_event
from schemas.events import MAX_NUMBERED, Event, Rated, Transferred
from schemas.topics import EVENTS
from streams.counting.batch_counting import Counting
from streams.counting.contributions import contributions, difference
from streams.counting.facts import Facts, facts_of
from streams.counting.identity import Identity
from streams.counting.record import Record
from streams.counting.registers import Registers, fold
from streams.counting.write_order import flush
from streams.on_time.ruling import built_in_ruling
from streams.storage.clickhouse_client import chunks, connect
from streams.storage.clickhouse_store import ClickHouseStore
from streams.storage.deployment_plan import Plan
from streams.storage.table_migration import make_tables

_RECORDS = 64
_PLAIN_MOST = 1000
"""The plain rules take the square of it."""
_PROFILE = Profile()


class Case(Struct, frozen=True):
    """Events, how many of them a record has, and what the database holds before: windows of agencies, full dossiers."""

    name: str
    events: Callable[[], list[Event]]
    lines: int = MAX_EVENTS
    windows: tuple[int, int] | None = None
    """How many agencies have how many windows each."""
    full_dossiers: int = 0


class Row(Struct, frozen=True):
    """A case: CPU of counting per event, also as a ratio to the first case, and by the rules as they are meant.

    The longest batch is in seconds of the clock, written and confirmed; memory is the peak of this process.
    """

    case: str
    events: int
    dead_letters: int
    microseconds_an_event: float
    to_many_dossiers: float
    plain_rules: float | None
    batches: int
    most_windows: int
    longest_batch_seconds: float
    peak_mb: float


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]


def moved(dossier: str, agencies: int) -> Iterator[Event]:
    """Transfers without end among so many agencies."""
    for number in count(1):
        at = BEGIN + timedelta(seconds=number)
        agency = f"H{number % agencies}"
        yield Transferred(id=f"t{number}", dossier=dossier, source="hot", occurred_at=at, agency=agency)


def spread(events: int) -> list[Event]:
    """As many events, ten payments a dossier."""
    dossiers = (f"D{number}" for number in count())
    return list(islice((event for d in dossiers for event in (received(d), *islice(paid(d, 10), 10))), events))


def of_one(events: int, numbers: int) -> list[Event]:
    """So many events of one dossier."""
    return [received("D"), *islice(paid("D", numbers), events - 1)]


def transfers(events: int, agencies: int) -> list[Event]:
    """Transfers of one dossier that is full."""
    return [*of_one(MAX_NUMBERED + 1, MAX_NUMBERED), *islice(moved("D", agencies), events)]


def anywhere(events: int) -> list[Event]:
    """Receptions in windows far from each other, all of one agency."""
    # A step that has no divisor in common with their number comes to each once.
    return [received(f"D{number}", BEGIN + number * 7919 % WINDOWS * WINDOW) for number in range(events)]


def rated_once(dossiers: int) -> list[Event]:
    """A rating of each of the full dossiers."""
    return [
        Rated(id="rated", dossier=f"F{number}", source="hot", occurred_at=BEGIN, satisfied=True)
        for number in range(dossiers)
    ]


def moved_once(dossiers: int) -> list[Event]:
    """A transfer of each of the full dossiers, each to another agency."""
    return [
        Transferred(id="moved", dossier=f"F{number}", source="hot", occurred_at=BEGIN, agency=f"H{number + 1}")
        for number in range(dossiers)
    ]


def all_over(events: int, agencies: int, windows: int) -> list[Event]:
    """Receptions of one record after another in windows far from each other, of all agencies."""
    return [
        received(f"D{number}", BEGIN + number * 7919 % windows * WINDOW, f"H{number * 31 % agencies}")
        for number in range(events)
    ]


@click.command()
@click.option("--events", type=click.IntRange(1000), default=100_000, show_default=True, help="Of a case.")
@click.option("--only", default="", metavar="TEXT", help="Measure only the cases whose names contain this.")
@out_options("hot")
def main(events: int, only: str, out: Path) -> None:
    """Count the worst that a batch may hold: one dossier, or one agency, with far more than any other."""
    first, *others = cases(events)
    rows: list[Row] = []
    with ExitStack() as stack:
        stack.enter_context(stop_signals(lambda: None, lambda: None))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-hot-"))
        platform = stack.enter_context(Platform(Path(folder), Options(kafka=False)))
        clickhouse = platform.clickhouse_access
        make_tables(Plan(KafkaConnection(""), clickhouse, _PROFILE, 1, 1, False), lambda _: None, dry_run=False)
        client = connect(clickhouse)
        stack.callback(client.disconnect)
        for case in (first, *(case for case in others if only in case.name)):
            for table in ("events", "windows", "facts", "progress", "dead_letters"):
                client.execute(f"TRUNCATE TABLE {table}")
            if case.windows:
                make_windows(client, *case.windows)
            with closing(ClickHouseStore(clickhouse)) as store:
                make_full_dossiers(store, case.full_dossiers)
            rows.append(measured(case, clickhouse, rows[0].microseconds_an_event if rows else None))
            click.echo(f"{rows[-1]}", err=True)
    write_result(out, Result(this_machine(), command_of("bench.hot"), rows))


def cases(events: int) -> list[Case]:
    """What is measured, with so many events where nothing else is said; the first is what the others are held against.

    The last three are worst cases of a batch: as many lines a record as are counted, and as much to read for each event
    as there can be.
    """
    few, full, old = max(1, events // 100), MAX_NUMBERED, (100, 100_000)
    rated, moved, late = few * 4, few // 4, events * 3 // 4
    return [
        Case("many dossiers", lambda: spread(events)),
        Case("1 event of one dossier", lambda: of_one(1, 1)),
        Case("1,000 events of one dossier", lambda: of_one(1000, full)),
        Case(f"{events:,} events of one dossier, 1 number", lambda: of_one(events, 1)),
        Case(f"{events:,} events of one dossier, {full:,} numbers", lambda: of_one(events, full)),
        Case(f"{events:,} events of one dossier, each a number", lambda: of_one(events, events)),
        Case(f"{few:,} transfers of a full dossier, two agencies", lambda: transfers(few, 2)),
        Case(f"{few:,} transfers of a full dossier, each another agency", lambda: transfers(few, few)),
        Case("many dossiers, one agency's windows are new", lambda: anywhere(events)),
        Case("many dossiers, one agency has a million windows", lambda: anywhere(events), windows=(1, WINDOWS)),
        Case(f"{rated:,} full dossiers, an event of each", lambda: rated_once(rated), MAX_LINES, (1, 1), rated),
        Case(f"{moved:,} full dossiers, a transfer of each", lambda: moved_once(moved), MAX_LINES, (1, full), moved),
        Case(f"{late:,} dossiers, each in another old window", lambda: all_over(late, *old), MAX_LINES, old),
    ]


def measured(case: Case, clickhouse: ClickHouseConnection, ordinary: float | None) -> Row:
    """Count the events of a case, as one partition."""
    events = case.events()
    lines = map(encode_event, events)
    now = round(time.time() * 1000)
    waiting = [Record(0, offset, now, encode(some)) for offset, some in enumerate(chunks(lines, case.lines))]
    dead, beside = MemoryDeadLetters(), AtOnce()
    cpu = longest = 0.0
    forget_peak()
    batches = most_windows = 0
    with closing(ClickHouseStore(clickhouse)) as store:
        counting = Counting(Identity(EVENTS, 1, 1, _PROFILE, built_in_ruling()), store)
        for some in chunks(waiting, _RECORDS):
            begun, used = time.monotonic(), time.process_time()
            for batch in counting.count(some, lambda: None, datetime.now(UTC)):
                cpu += time.process_time() - used
                flush(batch, store, dead, beside)
                counting.trim([batch])
                batches += 1
                most_windows = max(most_windows, len(batch.windows))
                longest = max(longest, time.monotonic() - begun)
                begun, used = time.monotonic(), time.process_time()
    each = cpu / len(events) * 1e6
    return Row(
        case=case.name,
        events=len(events),
        dead_letters=len(dead.letters),
        microseconds_an_event=round(each, 1),
        to_many_dossiers=round(each / (ordinary or each), 2),
        plain_rules=round(plainly(events), 1) if len(events) <= _PLAIN_MOST and not case.full_dossiers else None,
        batches=batches,
        most_windows=most_windows,
        longest_batch_seconds=round(longest, 2),
        peak_mb=round(peak_mb(os.getpid()), 1),
    )


def forget_peak() -> None:
    """Let the peak memory of this process begin anew."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


def plainly(events: Sequence[Event]) -> float:
    """Microseconds an event by the facts before and after it, which all of its registers have a part in."""
    registers: dict[str, Registers] = {}
    known: dict[str, Facts] = {}
    begun = time.process_time()
    for event in events:
        of = event.dossier
        registers[of] = fold(registers.get(of, {}), event)
        before, known[of] = known.get(of, Facts()), facts_of(registers[of])
        difference(contributions(known[of], _PROFILE), contributions(before, _PROFILE))
    return (time.process_time() - begun) / len(events) * 1e6


if __name__ == "__main__":
    main()
