"""`python -m bench.hot`: what an event costs where one dossier, or one agency, has far more than any other.

Each case is counted in this process, one batch after another, into a ClickHouse that holds what the case begins with.
The first case is what the others are held against: as many events, spread over many dossiers.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path

import click
from clickhouse_driver import Client
from msgspec import Struct

from bench.command_options import command_of, out_options, write_result
from bench.machine import Machine, this_machine
from bench.profile import AtOnce
from chaos.memory_store import MemoryDeadLetters
from cli.signals import stop_signals
from deploy.embedded.platform import Options, Platform
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.counters import WINDOW_SECONDS
from schemas.envelope import MAX_EVENTS, encode, encode_event
from schemas.events import MAX_NUMBERED, Event, Paid, Received, Transferred
from schemas.profile import Profile
from schemas.topics import EVENTS
from streams.counting.batch import Counting, Identity
from streams.counting.contributions import contributions, difference
from streams.counting.facts import Facts, facts_of
from streams.counting.record import Record
from streams.counting.registers import Registers, fold
from streams.storage.clickhouse import ClickHouseStore, chunks, connect
from streams.storage.migration import Plan, make_tables
from streams.worker.pipeline import flush

_RECORDS = 64
_BEGIN = datetime(2016, 1, 1, tzinfo=UTC)
_WINDOW = timedelta(seconds=WINDOW_SECONDS)
_WINDOWS = 1_000_000
_PLAIN_MOST = 1000
"""The plain rules take the square of it."""
_PROFILE = Profile()


class Row(Struct, frozen=True):
    """A case: CPU of counting per event, also as a ratio to the first case, and by the rules as they are meant.

    The longest batch is in seconds of the clock, written and confirmed.
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


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]


def received(dossier: str, at: datetime = _BEGIN) -> Event:
    """A reception."""
    return Received(
        id="r", dossier=dossier, source="hot", occurred_at=at, agency="H0", channel="online", fee_bearing=True
    )


def paid(dossier: str, numbers: int) -> Iterator[Event]:
    """Payments without end, each in another window; after so many transactions the first are corrected."""
    for number in count():
        yield Paid(
            id=f"p{number}",
            dossier=dossier,
            source="hot",
            occurred_at=_BEGIN + number % 100_000 * _WINDOW,
            recorded_at=_BEGIN + timedelta(seconds=number),
            transaction=f"T{number % numbers}",
            amount=1,
            method="online",
        )


def moved(dossier: str, agencies: int) -> Iterator[Event]:
    """Transfers without end among so many agencies."""
    for number in count(1):
        at = _BEGIN + timedelta(seconds=number)
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
    return [received(f"D{number}", _BEGIN + number * 7919 % _WINDOWS * _WINDOW) for number in range(events)]


def make_windows(client: Client) -> None:
    """Rows of a million windows of the agency, as former records left them."""
    client.execute(
        "INSERT INTO windows (agency, window, partition, pos, received) SELECT 'H0', "
        "toDateTime(%(begin)s, 'UTC') + number * %(length)s, 0, 1, 1 FROM numbers(%(windows)s)",
        {"begin": int(_BEGIN.timestamp()), "length": WINDOW_SECONDS, "windows": _WINDOWS},
    )


@click.command()
@click.option("--events", type=click.IntRange(1000), default=100_000, show_default=True, help="Of a case.")
@out_options("hot")
def main(events: int, out: Path) -> None:
    """Count one dossier with ever more events, a full one that moves, and an agency with a million windows."""
    few, full = max(1, events // 100), MAX_NUMBERED
    cases: list[tuple[str, Callable[[], list[Event]], bool]] = [
        ("many dossiers", lambda: spread(events), False),
        ("1 event of one dossier", lambda: of_one(1, 1), False),
        ("1,000 events of one dossier", lambda: of_one(1000, full), False),
        (f"{events:,} events of one dossier, 1 number", lambda: of_one(events, 1), False),
        (f"{events:,} events of one dossier, {full:,} numbers", lambda: of_one(events, full), False),
        (f"{events:,} events of one dossier, each a number", lambda: of_one(events, events), False),
        (f"{few:,} transfers of a full dossier, two agencies", lambda: transfers(few, 2), False),
        (f"{few:,} transfers of a full dossier, each another agency", lambda: transfers(few, few), False),
        ("many dossiers, one agency's windows are new", lambda: anywhere(events), False),
        ("many dossiers, one agency has a million windows", lambda: anywhere(events), True),
    ]
    rows: list[Row] = []
    with ExitStack() as stack:
        stack.enter_context(stop_signals(lambda: None, lambda: None))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-hot-"))
        platform = stack.enter_context(Platform(Path(folder), Options(kafka=False)))
        clickhouse = platform.clickhouse_access
        make_tables(Plan(KafkaConnection(""), clickhouse, _PROFILE, 1, 1, False), lambda _: None, dry_run=False)
        client = connect(clickhouse)
        stack.callback(client.disconnect)
        for case, make, has_windows in cases:
            for table in ("events", "windows", "facts", "progress", "dead_letters"):
                client.execute(f"TRUNCATE TABLE {table}")
            if has_windows:
                make_windows(client)
            rows.append(measured(case, make(), clickhouse, rows[0].microseconds_an_event if rows else None))
            click.echo(f"{rows[-1]}", err=True)
    write_result(out, Result(this_machine(), command_of("bench.hot"), rows))


def measured(case: str, events: Sequence[Event], clickhouse: ClickHouseConnection, ordinary: float | None) -> Row:
    """Count these events, as one partition."""
    lines = map(encode_event, events)
    now = round(time.time() * 1000)
    waiting = [Record(0, offset, now, encode(some)) for offset, some in enumerate(chunks(lines, MAX_EVENTS))]
    dead, beside = MemoryDeadLetters(), AtOnce()
    cpu = longest = 0.0
    batches = most_windows = 0
    with closing(ClickHouseStore(clickhouse)) as store:
        counting = Counting(Identity(EVENTS, 1, 1, _PROFILE), store)
        for some in chunks(waiting, _RECORDS):
            begun, used = time.monotonic(), time.process_time()
            for batch in counting.count(some, lambda: None, datetime.now(UTC)):
                cpu += time.process_time() - used
                flush(batch, store, dead, beside)
                counting.trim(batch)
                batches += 1
                most_windows = max(most_windows, len(batch.windows))
                longest = max(longest, time.monotonic() - begun)
                begun, used = time.monotonic(), time.process_time()
    each = cpu / len(events) * 1e6
    return Row(
        case=case,
        events=len(events),
        dead_letters=len(dead.letters),
        microseconds_an_event=round(each, 1),
        to_many_dossiers=round(each / (ordinary or each), 2),
        plain_rules=round(plainly(events), 1) if len(events) <= _PLAIN_MOST else None,
        batches=batches,
        most_windows=most_windows,
        longest_batch_seconds=round(longest, 2),
    )


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
