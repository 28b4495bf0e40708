"""Bringing a database and a broker to what the code declares, and telling what differs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version

from clickhouse_driver import Client
from clickhouse_driver.errors import Error
from msgspec import Struct, structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.ddl import Script, migrations, preamble, views
from schemas.profile import Profile, profile_of
from schemas.topics import EVENTS, declared
from streams import topics
from streams.batch import Identity
from streams.clickhouse import connect, database, explain
from streams.errors import NotMigrated, Unfinished
from streams.identity import Entry, Origin, difference, later_than, read_history, write_entry

IDENTITY = "0006_identity.sql"
"""The migration since which the identity has a history."""


class Plan(Struct, frozen=True):
    """What a deployment is to be."""

    kafka: KafkaConnection
    clickhouse: ClickHouseConnection
    profile: Profile
    partitions: int
    replication: int
    replicated: bool


def migrate(plan: Plan, tell: Callable[[str], None], *, dry_run: bool = False, enters: bool = True) -> list[str]:
    """Create and upgrade what is missing; with `dry_run` only say it, with its SQL. Returns what differs and was left.

    A database that belongs to no topic yet is given to this one, unless not `enters`: then nobody asks whose counts it
    holds. Safe to repeat, and to interrupt: a migration that was applied in part must be applied again, so its
    statements are recorded only at its end. Raises Unreachable, WrongIdentity, Unfinished, or NotMigrated where an
    applied migration was changed or is unknown.
    """
    differing = make_topics(plan, tell, dry_run)
    make_tables(plan, tell, dry_run)
    if enters and not dry_run:
        identify(plan, tell, enter=True)
    return differing


def identify(plan: Plan, tell: Callable[[str], None] | None = None, *, enter: bool = False) -> Identity:
    """The identity of the stored counts, in which a worker may count on.

    Raises NotMigrated, Unfinished where a rebuild waits for its end, or WrongIdentity unless the counts are those of
    this topic, cluster and profile. With `enter` a deployment that has none yet gets it.
    """
    found = find_origin(plan)
    with database(plan.clickhouse) as client:
        require_migrated(client, plan)
        history = read_history(client)
        if history.unfinished:
            raise Unfinished(
                f"a rebuild of database {plan.clickhouse.database} was begun and not finished: finish it with "
                "`dossier rebuild`"
            )
        serving = history.serving
        if serving is None:
            if not enter:
                raise NotMigrated(f"database {plan.clickhouse.database} belongs to no topic yet: run `dossier migrate`")
            serving = Entry(history.last_epoch + 1, found, "serving", "", datetime.now(UTC))
            write_entry(client, serving)
            if tell:
                tell(f"deployment: {EVENTS}, {found.partitions} partitions, rules {found.rules}")
        if error := difference(serving.origin, found, plan.clickhouse.database, plan.kafka.bootstrap):
            raise error
        if enter and not serving.origin.cluster:
            write_entry(client, structs.replace(serving, origin=found, changed_at=later_than(serving)))
    return Identity(EVENTS, found.partitions, serving.epoch, plan.profile)


def find_origin(plan: Plan) -> Origin:
    """What counts would depend on that were begun today; raises NotMigrated where there is no topic."""
    with topics.admin(plan.kafka) as client:
        found = topics.find(client, [EVENTS]).get(EVENTS)
        if found is None:
            raise NotMigrated(f"Kafka at {plan.kafka.bootstrap} has no topic {EVENTS}: run `dossier migrate`")
        return Origin(topics.cluster_id(client), found.topic_id, found.partitions, plan.profile.rules)


def require_migrated(client: Client, plan: Plan) -> None:
    """Raise NotMigrated unless the migrations of this program, and no others, are applied; views are no matter."""
    applied = dict(client.execute("SELECT name, checksum FROM migrations FINAL"))
    _refuse_unknown(applied, plan)
    if missing := [script.name for script in migrations(plan.replicated) if script.name not in applied]:
        raise NotMigrated(f"database {plan.clickhouse.database} lacks {', '.join(missing)}: run `dossier migrate`")


def make_topics(plan: Plan, tell: Callable[[str], None], dry_run: bool) -> list[str]:
    """Create the topics that are missing; returns what differs in those that exist."""
    differing: list[str] = []
    with topics.admin(plan.kafka) as client:
        wanted = declared(plan.partitions, plan.replication)
        found = topics.find(client, [topic.name for topic in wanted])
        for topic in wanted:
            if topic.name in found:
                differing += topics.differences(client, topic, found[topic.name])
                continue
            settings = ", ".join(f"{key}={value}" for key, value in topic.config.items())
            tell(f"create topic {topic.name}: {topic.partitions} partitions, {topic.replication} replicas, {settings}")
            if not dry_run:
                topics.create(client, topic)
    return differing


def make_tables(plan: Plan, tell: Callable[[str], None], dry_run: bool) -> None:
    """Create the database, apply the migrations that are missing, and make anew the views that changed."""
    name = plan.clickhouse.database
    with ExitStack() as stack:
        # The database may not exist yet, so the first connection names none.
        server = connect(structs.replace(plan.clickhouse, database=""))
        stack.callback(server.disconnect)
        client = None
        try:
            known = bool(server.execute("SELECT 1 FROM system.databases WHERE name = %(name)s", {"name": name}))
            if not known:
                tell(f"create database {name}")
            if not known and not dry_run:
                server.execute(f"CREATE DATABASE IF NOT EXISTS `{name}` ENGINE = {_engine(plan)}")
            if known or not dry_run:
                client = connect(plan.clickhouse)
                stack.callback(client.disconnect)
            for script in _pending(client, plan, dry_run):
                tell(f"apply {script.name}")
                if client is None or dry_run:
                    tell(";\n\n".join(script.statements) + ";\n")
                else:
                    apply(client, script)
        except (Error, OSError, EOFError) as error:
            raise explain(error, plan.clickhouse) from error


def apply(client: Client, script: Script) -> None:
    """Execute the script and write down that it was; raises what the driver does."""
    for statement in script.statements:
        client.execute(statement)
    client.execute(
        "INSERT INTO migrations (name, checksum, applied_at) VALUES",
        [(script.name, script.checksum, datetime.now(UTC))],
    )


def _engine(plan: Plan) -> str:
    if not plan.replicated:
        return "Atomic"
    return f"Replicated('/clickhouse/databases/{plan.clickhouse.database}', '{{shard}}', '{{replica}}')"


def _pending(client: Client | None, plan: Plan, dry_run: bool) -> Iterator[Script]:
    applied: dict[str, str] = {}
    if client is not None:
        if not dry_run:
            for statement in preamble(plan.replicated).statements:
                client.execute(statement)
        if client.execute("EXISTS TABLE migrations")[0][0]:
            applied = dict(client.execute("SELECT name, checksum FROM migrations FINAL"))
    _refuse_unknown(applied, plan)
    for script in migrations(plan.replicated):
        if script.name not in applied:
            if client is not None and IDENTITY in applied and read_history(client).unfinished:
                raise Unfinished(
                    f"{script.name} would change tables of database {plan.clickhouse.database} while a rebuild is "
                    "unfinished: finish it with the version that began it, or run `dossier rebuild --abandon`"
                )
            yield script
        elif applied[script.name] != script.checksum:
            raise NotMigrated(
                f"migration {script.name} was applied to {plan.clickhouse.database} with another text: this program is "
                "not of the line that made the database; use the version that did, or another database"
            )
    profile = plan.profile
    if client is not None and IDENTITY in applied and (serving := read_history(client).serving):
        # The rules of the counts, not those that somebody means to move to: readers see both or neither.
        profile = profile_of(serving.origin.rules)
    yield from pending_views(profile, applied)


def pending_views(profile: Profile, applied: Mapping[str, str]) -> Iterator[Script]:
    """The views of these rules that are not the applied ones, by name and checksum."""
    yield from (script for script in views(profile) if applied.get(script.name) != script.checksum)


def _refuse_unknown(applied: Iterable[str], plan: Plan) -> None:
    known = {script.name for script in migrations(plan.replicated)}
    # Views have no number: a later version may have others, and they do no harm.
    if unknown := sorted(name for name in applied if name[:4].isdigit() and name not in known):
        raise NotMigrated(
            f"database {plan.clickhouse.database} has {', '.join(unknown)}, which this version ({_version()}) does not "
            "know: use the version that applied it, or a later one"
        )


def _version() -> str:
    return f"dossier {version('dossier-stream')}"
