"""Bringing a broker and a database to what the code declares, and reporting what differs."""

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import structs

from schemas.topics import EVENTS, declared
from streams.broker import topics
from streams.counting.identity import Identity
from streams.errors import NotMigrated, Unfinished, WrongIdentity
from streams.on_time.ruling import built_in_ruling
from streams.storage.clickhouse_client import database
from streams.storage.deployment_plan import Plan
from streams.storage.epochs import Entry, Origin, difference, later_than, read_history, write_entry
from streams.storage.table_migration import make_tables, require_migrated


def migrate(plan: Plan, on_step: Callable[[str], None], *, dry_run: bool = False, tolerant: bool = False) -> list[str]:
    """Create and upgrade what is missing, or with `dry_run` only report it with its SQL; returns what still differs.

    A database that belongs to no topic yet is given to this one. With `tolerant`, counts of another topic or other
    rules are one more difference, which workers will refuse. It may be repeated and interrupted: a migration that was
    applied in part is applied again, as it is recorded only at its end. Raises Unreachable, WrongIdentity, Unfinished,
    or NotMigrated where an applied migration was changed or is unknown.
    """
    differing = make_topics(plan, on_step, dry_run)
    differing += make_tables(plan, on_step, dry_run)
    if not dry_run:
        try:
            identify(plan, on_step, enter=True)
        except (WrongIdentity, Unfinished) as error:
            if not tolerant:
                raise
            differing.append(str(error))
    return differing


def identify(plan: Plan, on_step: Callable[[str], None] | None = None, *, enter: bool = False) -> Identity:
    """The identity of the stored counts, with which a worker may continue them.

    Raises NotMigrated, Unfinished where a rebuild is unfinished, or WrongIdentity unless the counts are those of this
    topic, cluster and profile. With `enter`, a database that has no identity yet gets this one.
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
            if on_step:
                on_step(f"deployment: {EVENTS}, {found.partitions} partitions, rules {found.rules}")
        if error := difference(serving.origin, found, plan.clickhouse.database, plan.kafka.bootstrap):
            raise error
        if enter and not serving.origin.cluster:
            write_entry(client, structs.replace(serving, origin=found, changed_at=later_than(serving)))
    return Identity(EVENTS, found.partitions, serving.epoch, plan.profile, built_in_ruling(plan.profile.time_zone))


def find_origin(plan: Plan) -> Origin:
    """What counts that began today would depend on; raises NotMigrated where there is no topic."""
    with topics.admin(plan.kafka) as client:
        found = topics.find(client, [EVENTS]).get(EVENTS)
        if found is None:
            raise NotMigrated(f"Kafka at {plan.kafka.bootstrap} has no topic {EVENTS}: run `dossier migrate`")
        return Origin(topics.cluster_id(client), found.topic_id, found.partitions, plan.profile.rules)


def make_topics(plan: Plan, on_step: Callable[[str], None], dry_run: bool) -> list[str]:
    """Create the topics that are missing; returns how existing ones differ from their declaration."""
    differing: list[str] = []
    with topics.admin(plan.kafka) as client:
        wanted = declared(plan.partitions, plan.replication)
        found = topics.find(client, [topic.name for topic in wanted])
        for topic in wanted:
            if topic.name in found:
                differing += topics.differences(client, topic, found[topic.name])
                continue
            settings = ", ".join(f"{key}={value}" for key, value in topic.config.items())
            on_step(
                f"create topic {topic.name}: {topic.partitions} partitions, {topic.replication} replicas, {settings}"
            )
            if not dry_run:
                topics.create(client, topic)
    return differing
