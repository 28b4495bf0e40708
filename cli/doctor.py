"""`dossier doctor`: what is reachable, which versions, what is wrong and what to do about it."""

import platform
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version

import click
from clickhouse_driver.errors import Error
from msgspec import Struct, structs

from cli.migrate import plan_of
from cli.settings import Settings, unknown_platform
from cli.terminal import printable
from deploy.embedded.data_lock import is_locked
from deploy.embedded.state_file import read_state
from schemas.errors import DossierError
from schemas.topics import declared
from streams.broker import topics
from streams.broker.group import members
from streams.storage.clickhouse import connect, database, explain
from streams.storage.migration import identify, make_tables
from streams.storage.offsets import read_standings, require_agreement, require_readable
from streams.storage.open_transactions import read_held
from streams.storage.progress import lag
from streams.storage.undeclared import others

_LITTLE_DISK = 1 << 30
_SETTLING_SECONDS = 3.0
_FRESH_SECONDS = 60.0
"""A process that was started again so lately, and not for the first time, ends again and again."""


class Finding(Struct, frozen=True):
    """One thing that was looked at: whether it is well, and what was seen, with what to do where it is not."""

    well: bool
    subject: str
    seen: str


@click.command("doctor", short_help="Say what is wrong and what to do about it.")
@click.pass_context
def doctor(context: click.Context) -> None:
    """Look at everything this program needs, and say what is wrong and what to do about it.

    Ends with 0 where all is well, else with 1.
    """
    findings = []
    for finding in examine(context.obj):
        findings.append(finding)
        mark = click.style("ok   ", fg="green") if finding.well else click.style("wrong", fg="red")
        click.echo(f"{mark}  {finding.subject:<11} {printable(finding.seen)}")
    context.exit(0 if all(finding.well for finding in findings) else 1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after another; a thing that cannot be looked at is a finding, too."""
    looks: tuple[tuple[str, Callable[[Settings], str], set[str]], ...] = (
        ("program", _program, set()),
        ("profile", _profile, set()),
        ("platform", _platform, set()),
        ("disk", _disk, set()),
        ("kafka", _kafka, set()),
        ("topics", _topics, {"kafka"}),
        ("clickhouse", _clickhouse, set()),
        ("tables", _tables, {"profile", "clickhouse"}),
        ("identity", _identity, {"profile", "kafka", "clickhouse"}),
        ("offsets", _offsets, {"identity"}),
        ("records", _records, {"offsets"}),
        ("workers", _workers, {"kafka", "clickhouse"}),
    )
    wrong: set[str] = set()
    for subject, look, needed in looks:
        try:
            if missing := needed & wrong:
                raise _Wrong(f"cannot be looked at before this is well: {', '.join(sorted(missing))}")
            yield Finding(True, subject, look(settings))
        except DossierError as error:
            wrong.add(subject)
            yield Finding(False, subject, str(error))


class _Wrong(DossierError):
    """A finding that is not well."""


def _program(_settings: Settings) -> str:
    return (
        f"dossier {version('dossier-stream')}, Python {platform.python_version()}, faust {version('faust-streaming')}"
    )


def _profile(settings: Settings) -> str:
    return f"rules {settings.profile.rules}"


def _platform(settings: Settings) -> str:
    state = read_state(settings.data)
    if state is None and is_locked(settings.data):
        raise _Wrong(unknown_platform(settings.data))
    if state is None:
        return f"none runs in {settings.data}; addresses come from the environment"
    unwell = [
        f"{process.name} is {process.state}, see {process.log}"
        for process in state.processes
        if process.state != "ready"
    ]
    unwell += [
        f"{process.name} was started again {process.restarts} times, the last time because it {process.reason}"
        for process in state.processes
        if process.state == "ready" and process.restarts > 1 and time.time() - process.created < _FRESH_SECONDS
    ]
    if unwell:
        raise _Wrong("; ".join(unwell))
    return f"{len(state.processes)} processes ready in {settings.data}"


def _disk(settings: Settings) -> str:
    place = next(path for path in (settings.data, *settings.data.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < _LITTLE_DISK:
        raise _Wrong(f"only {free >> 20} MiB are free at {place}: make room before ClickHouse or Kafka stop")
    return f"{free >> 30} GiB free at {place}"


def _kafka(settings: Settings) -> str:
    with topics.admin(settings.kafka) as client:
        brokers = client.describe_cluster()["brokers"]
        release = ".".join(map(str, client.get_broker_version_data(brokers[0]["broker_id"]).broker_version))
    return f"{release} or later at {settings.kafka.bootstrap}, {len(brokers)} broker(s)"


def _topics(settings: Settings) -> str:
    wanted = declared(settings.partitions, settings.replication)
    with topics.admin(settings.kafka) as client:
        found = topics.find(client, [topic.name for topic in wanted])
        missing = [topic.name for topic in wanted if topic.name not in found]
        if missing:
            raise _Wrong(f"{', '.join(missing)} missing: run `dossier migrate`")
        differing = [line for topic in wanted for line in topics.differences(client, topic, found[topic.name])]
    if differing:
        raise _Wrong("; ".join(differing))
    return ", ".join(f"{topic.name} ({topic.partitions})" for topic in wanted)


def _clickhouse(settings: Settings) -> str:
    # The server itself, also where the database is still to be made.
    client = connect(structs.replace(settings.clickhouse, database=""))
    try:
        return f"{client.execute('SELECT version()')[0][0]} at {settings.clickhouse.address}"
    except (Error, OSError, EOFError) as error:
        raise explain(error, settings.clickhouse) from error
    finally:
        client.disconnect()


def _tables(settings: Settings) -> str:
    told: list[str] = []
    by_hand = make_tables(plan_of(settings), told.append, dry_run=True)
    name = settings.clickhouse.database
    lacking = ", ".join(line.removeprefix("apply ") for line in told if line.startswith("apply "))
    wrong = [f"database {name} lacks {lacking}"] if lacking else []
    wrong += [line.removeprefix("mend: ") for line in told if line.startswith("mend: ")]
    if wrong:
        wrong[-1] += ": run `dossier migrate`"
    if wrong or by_hand:
        raise _Wrong("; ".join([*wrong, *by_hand]))
    with database(settings.clickhouse) as client:
        beside = others(client)
        ((conflicts,),) = client.execute("SELECT count() FROM data_conflicts")
    return (
        f"database {name} is as declared"
        + (f"; beside it are {', '.join(beside)}" if beside else "")
        + (f"; {conflicts} contradictions in the data, see the table data_conflicts" if conflicts else "")
    )


def _identity(settings: Settings) -> str:
    identity = identify(plan_of(settings))
    return f"{identity.topic}, {identity.partitions} partitions, epoch {identity.epoch}"


def _offsets(settings: Settings) -> str:
    require_agreement(settings.kafka, settings.clickhouse)
    with database(settings.clickhouse) as client:
        ((gaps, records),) = client.execute("SELECT count(), sum(to_offset + 1 - from_offset) FROM gaps FINAL")
    accepted = f"; {gaps} accepted gaps of {records} records, see the table gaps" if gaps else ""
    return f"topic, group and counts agree{accepted}"


def _records(settings: Settings) -> str:
    standings = read_standings(settings.kafka, settings.clickhouse, verify=False)
    require_readable(settings.kafka, standings)
    held = read_held(settings.kafka, standings, datetime.now(UTC))
    if hanging := [str(each) for each in held if each.hangs]:
        raise _Wrong(
            f"{'; '.join(hanging)}: stop that producer, or let it go on; where nobody has it, end the transaction with "
            "Kafka's own `kafka-transactions.sh abort`"
        )
    return "; ".join(map(str, held)) or "what is to be counted can be read, no transaction is open"


def _workers(settings: Settings) -> str:
    deadline = time.monotonic() + _SETTLING_SECONDS
    # A group that is just being divided anew has no settled members.
    while not (running := members(settings.kafka)) and time.monotonic() < deadline:
        time.sleep(0.2)
    behind = lag(settings.kafka, settings.clickhouse)
    if not running:
        raise _Wrong(f"none runs and {behind.left} records wait: start one with `dossier work`")
    return f"{len(running)} running, {behind.left} of {behind.total} records to count"
