"""What `dossier doctor` checks: each function returns what it found, or raises an error that says what is wrong."""

import platform
import shutil
import time
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version

from msgspec import structs

from cli.migrate import plan_of
from cli.settings import Settings, unknown_platform
from deploy.embedded.data_lock import is_locked
from deploy.embedded.state_file import read_state
from schemas.errors import DossierError
from schemas.reader_access import READER
from schemas.topics import EVENTS, declared
from streams.broker import topics
from streams.broker.group import members
from streams.errors import StateUnusable
from streams.reference.ruling_changes import weigh
from streams.reference.ruling_pins import held
from streams.storage.clickhouse_client import DRIVER_ERRORS, connect, database, explain
from streams.storage.clickhouse_store import ClickHouseStore
from streams.storage.counting_progress import lag
from streams.storage.migration import identify
from streams.storage.offset_agreement import read_offsets, require_agreement, require_readable
from streams.storage.open_transactions import read_open_transactions
from streams.storage.reader_access_check import compare_reader
from streams.storage.state_folder import counts_origin
from streams.storage.state_report import report_state
from streams.storage.table_migration import make_tables
from streams.storage.undeclared_objects import harmless_objects

_LITTLE_DISK = 1 << 30
_SETTLING_SECONDS = 3.0
_FRESH_SECONDS = 60.0
"""A process that was restarted this recently, and not for the first time, ends again and again."""


class Wrong(DossierError):
    """Something is wrong; `remedy` is text to copy, such as SQL, beyond what the message says."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class Unknown(DossierError):
    """It cannot be checked, though nothing that is known is wrong."""


def check_program(_settings: Settings) -> str:
    """The versions of this program and of what it runs on."""
    return (
        f"dossier {version('dossier-stream')}, Python {platform.python_version()}, faust {version('faust-streaming')}"
    )


def check_profile(settings: Settings) -> str:
    """The deployment profile can be read."""
    return f"rules {settings.profile.rules}"


def check_platform(settings: Settings) -> str:
    """All processes of the embedded platform are ready, if one runs here."""
    state = read_state(settings.data)
    if state is None and is_locked(settings.data):
        raise Wrong(unknown_platform(settings.data))
    if state is None:
        return f"none runs in {settings.data}; addresses come from the environment"
    failing = [
        f"{process.name} is {process.state}, see {process.log}"
        for process in state.processes
        if process.state != "ready"
    ]
    failing += [
        f"{process.name} was restarted {process.restarts} times, last because it {process.reason}"
        for process in state.processes
        if process.state == "ready" and process.restarts > 1 and time.time() - process.created < _FRESH_SECONDS
    ]
    if failing:
        raise Wrong("; ".join(failing))
    return f"{len(state.processes)} processes ready in {settings.data}"


def check_disk(settings: Settings) -> str:
    """The disk of the data directory has room."""
    place = next(path for path in (settings.data, *settings.data.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < _LITTLE_DISK:
        raise Wrong(f"only {free >> 20} MiB are free at {place}: free some before ClickHouse or Kafka stop")
    return f"{free >> 30} GiB free at {place}"


def check_kafka(settings: Settings) -> str:
    """Kafka answers."""
    with topics.admin(settings.kafka) as client:
        brokers = client.describe_cluster()["brokers"]
        release = ".".join(map(str, client.get_broker_version_data(brokers[0]["broker_id"]).broker_version))
    return f"{release} or later at {settings.kafka.bootstrap}, {len(brokers)} broker(s)"


def check_topics(settings: Settings) -> str:
    """The topics are there as declared."""
    wanted = declared(settings.partitions, settings.replication)
    with topics.admin(settings.kafka) as client:
        found = topics.find(client, [topic.name for topic in wanted])
        missing = [topic.name for topic in wanted if topic.name not in found]
        if missing:
            raise Wrong(f"{', '.join(missing)} missing: run `dossier migrate`")
        differing = [line for topic in wanted for line in topics.differences(client, topic, found[topic.name])]
    if differing:
        raise Wrong("; ".join(differing))
    return ", ".join(f"{topic.name} ({topic.partitions})" for topic in wanted)


def check_clickhouse(settings: Settings) -> str:
    """ClickHouse answers; the database may still be missing."""
    client = connect(structs.replace(settings.clickhouse, database=""))
    try:
        return f"{client.execute('SELECT version()')[0][0]} at {settings.clickhouse.address}"
    except DRIVER_ERRORS as error:
        raise explain(error, settings.clickhouse) from error
    finally:
        client.disconnect()


def check_tables(settings: Settings) -> str:
    """Tables and views are there as declared."""
    planned: list[str] = []
    by_hand = make_tables(plan_of(settings), planned.append, dry_run=True)
    name = settings.clickhouse.database
    lacking = ", ".join(line.removeprefix("apply ") for line in planned if line.startswith("apply "))
    wrong = [f"database {name} lacks {lacking}"] if lacking else []
    wrong += [line.removeprefix("repair: ") for line in planned if line.startswith("repair: ")]
    if wrong:
        wrong[-1] += ": run `dossier migrate`"
    if wrong or by_hand:
        raise Wrong("; ".join([*wrong, *by_hand]))
    with database(settings.clickhouse) as client:
        beside = harmless_objects(client)
        ((conflicts,),) = client.execute("SELECT count() FROM data_conflicts")
    return (
        f"database {name} is as declared"
        + (f"; beside it are {', '.join(beside)}" if beside else "")
        + (f"; {conflicts} contradictions in the data, see the table data_conflicts" if conflicts else "")
    )


def check_access(settings: Settings) -> str:
    """The user `reader` may do what is declared, and nothing else."""
    found = compare_reader(settings.clickhouse, settings.reader_password)
    if found.unchecked:
        raise Unknown(f"not compared: {found.unchecked}")
    if found.differences:
        text = "; ".join(found.differences)
        state = read_state(settings.data)
        if state and state.clickhouse == settings.clickhouse.address:
            raise Wrong(f"{text}: restart the platform, which then has its own users again")
        raise Wrong(f"{text}: run this SQL as an administrator of ClickHouse", ";\n".join(found.statements) + ";")
    also = f"; it may also read {', '.join(found.also_reads)}" if found.also_reads else ""
    return f"`{READER}` is as declared, judged by {', and by '.join(found.compared)}{also}"


def check_identity(settings: Settings) -> str:
    """The stored counts belong to this topic and these rules."""
    identity = identify(plan_of(settings))
    return f"{identity.topic}, {identity.partitions} partitions, epoch {identity.epoch}"


def check_ruling(settings: Settings) -> str:
    """Which loads of reference data decide terms, and which newer ones wait."""
    identity = identify(plan_of(settings))
    with database(settings.clickhouse) as client:
        pinned = held(client, identity.epoch)
        loads, waiting = weigh(client, identity.profile, pinned, pinned.later(datetime.now(UTC)))
    parts = [f"decided by {pinned.loads}"]
    if loads != pinned.loads:
        parts.append(f"workers will adopt {loads}")
    parts += [
        f"{each.kind} {each.load} waits for `dossier rebuild`, since it decides up to {each.touched.cases:,} dossiers "
        "otherwise"
        for each in waiting
    ]
    return "; ".join(parts)


def check_offsets(settings: Settings) -> str:
    """Topic, consumer group and stored counts agree."""
    require_agreement(settings.kafka, settings.clickhouse)
    with database(settings.clickhouse) as client:
        ((gaps, records),) = client.execute("SELECT count(), sum(to_offset + 1 - from_offset) FROM gaps FINAL")
    accepted = f"; {gaps} accepted gaps of {records} records, see the table gaps" if gaps else ""
    return f"topic, group and counts agree{accepted}"


def check_records(settings: Settings) -> str:
    """The records to count can be read, and no transaction holds them up."""
    standings = read_offsets(settings.kafka, settings.clickhouse, verify=False)
    require_readable(settings.kafka, standings)
    held = read_open_transactions(settings.kafka, standings, datetime.now(UTC))
    if hanging := [str(each) for each in held if each.is_hanging]:
        raise Wrong(
            f"{'; '.join(hanging)}: stop that producer, or let it go on; if no producer has it, end the transaction "
            "with Kafka's own `kafka-transactions.sh abort`"
        )
    return "; ".join(map(str, held)) or "all records to count can be read, no transaction is open"


def check_state(settings: Settings) -> str:
    """Local state is as far as the counts; without it workers are slower, and no figure is wrong."""
    if settings.state is None:
        return "switched off: ClickHouse is asked about every dossier"
    plan = plan_of(settings)
    counts = counts_origin(plan, identify(plan))
    with closing(ClickHouseStore(settings.clickhouse)) as store:

        def read_progress() -> dict[int, int]:
            return {partition: at.pos for partition, at in store.read_checkpoints(EVENTS).items()}

        try:
            lines = report_state(settings.state, counts, read_progress)
        except StateUnusable as error:
            raise Unknown(str(error)) from error
    return "; ".join(lines) or f"none yet in {settings.state}"


def check_workers(settings: Settings) -> str:
    """Workers run."""
    deadline = time.monotonic() + _SETTLING_SECONDS
    # During a rebalance the group has no members.
    while not (running := members(settings.kafka)) and time.monotonic() < deadline:
        time.sleep(0.2)
    behind = lag(settings.kafka, settings.clickhouse)
    if not running:
        raise Wrong(f"none runs and {behind.left} records wait: start one with `dossier work`")
    return f"{len(running)} running, {behind.left} of {behind.total} records to count"
