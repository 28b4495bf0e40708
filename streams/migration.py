"""Bringing a database and a broker to what the code declares, and telling what differs."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

from clickhouse_driver import Client
from clickhouse_driver.errors import Error
from msgspec import Struct, structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.ddl import Script, migrations, preamble, views
from schemas.profile import Profile
from schemas.topics import EVENTS, declared
from streams import topics
from streams.batch import Identity
from streams.clickhouse import connect, explain
from streams.errors import NotMigrated, WrongIdentity


class Plan(Struct, frozen=True):
    """What a deployment is to be."""

    kafka: KafkaConnection
    clickhouse: ClickHouseConnection
    profile: Profile
    partitions: int
    replication: int
    replicated: bool


def migrate(plan: Plan, tell: Callable[[str], None], *, dry_run: bool = False) -> list[str]:
    """Create and upgrade what is missing; with `dry_run` only say it, with its SQL. Returns what differs and was left.

    Safe to repeat, and to interrupt: a migration that was applied in part must be applied again, so its statements are
    recorded only at its end. Raises Unreachable, WrongIdentity, or NotMigrated where an applied migration was changed.
    """
    differing = make_topics(plan, tell, dry_run)
    make_tables(plan, tell, dry_run)
    if not dry_run:
        identify(plan, tell, enter=True)
    return differing


def identify(plan: Plan, tell: Callable[[str], None] | None = None, *, enter: bool = False) -> Identity:
    """The identity of the stored counts; raises WrongIdentity unless it is that of this topic, cluster and profile.

    With `enter` a deployment that has none yet gets it.
    """
    with topics.admin(plan.kafka) as client:
        found = topics.find(client, [EVENTS]).get(EVENTS)
    if found is None:
        raise NotMigrated(f"Kafka at {plan.kafka.bootstrap} has no topic {EVENTS}: run `dossier migrate`")
    clickhouse = connect(plan.clickhouse)
    try:
        rows = clickhouse.execute(
            "SELECT topic_id, partitions, epoch, rules FROM deployment FINAL WHERE topic = %(topic)s", {"topic": EVENTS}
        )
        if not rows and enter:
            entry = (EVENTS, found.topic_id, found.partitions, 1, plan.profile.rules, datetime.now(UTC))
            clickhouse.execute(
                "INSERT INTO deployment (topic, topic_id, partitions, epoch, rules, changed_at) VALUES", [entry]
            )
            if tell:
                tell(f"deployment: {EVENTS}, {found.partitions} partitions, rules {plan.profile.rules}")
            rows = [entry[1:5]]
    except (Error, OSError, EOFError) as error:
        raise explain(error, plan.clickhouse) from error
    finally:
        clickhouse.disconnect()
    if not rows:
        raise NotMigrated(f"database {plan.clickhouse.database} belongs to no topic yet: run `dossier migrate`")
    topic_id, partitions, epoch, rules = rows[0]
    for what, stored, now in (
        ("topic id", topic_id, found.topic_id),
        ("partition count", partitions, found.partitions),
        ("rules", rules, plan.profile.rules),
    ):
        if stored != now:
            raise WrongIdentity(
                f"the counts in database {plan.clickhouse.database} have {what} {stored}, but now it is {now}: "
                "use the former settings, or another database (DOSSIER_DATABASE)"
            )
    return Identity(EVENTS, partitions, epoch, plan.profile)


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
    database = plan.clickhouse.database
    with ExitStack() as stack:
        # The database may not exist yet, so the first connection names none.
        server = connect(structs.replace(plan.clickhouse, database=""))
        stack.callback(server.disconnect)
        client = None
        try:
            known = bool(server.execute("SELECT 1 FROM system.databases WHERE name = %(name)s", {"name": database}))
            if not known:
                tell(f"create database {database}")
            if not known and not dry_run:
                server.execute(f"CREATE DATABASE IF NOT EXISTS `{database}` ENGINE = {_engine(plan)}")
            if known or not dry_run:
                client = connect(plan.clickhouse)
                stack.callback(client.disconnect)
            for script in _pending(client, plan, dry_run):
                tell(f"apply {script.name}")
                if client is None or dry_run:
                    tell(";\n\n".join(script.statements) + ";\n")
                else:
                    _apply(client, script)
        except (Error, OSError, EOFError) as error:
            raise explain(error, plan.clickhouse) from error


def _apply(client: Client, script: Script) -> None:
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
    for script in migrations(plan.replicated):
        if script.name not in applied:
            yield script
        elif applied[script.name] != script.checksum:
            raise NotMigrated(
                f"migration {script.name} was applied to {plan.clickhouse.database} with another text: this program is "
                "not of the line that made the database; use the version that did, or another database"
            )
    yield from (script for script in views(plan.profile) if applied.get(script.name) != script.checksum)
