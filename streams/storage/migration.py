"""Bringing a database and a broker to what the code declares, and telling what differs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ServerException
from msgspec import Struct, structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.ddl import Script, migrations, preamble, views
from schemas.profile import Profile, profile_of
from schemas.topics import EVENTS, declared
from streams.broker import topics
from streams.counting.identity import Identity
from streams.errors import NotMigrated, Unfinished, WrongIdentity
from streams.storage.clickhouse import connect, database, explain
from streams.storage.identity import Entry, Origin, difference, later_than, read_history, write_entry
from streams.storage.structure import Views, table_differences
from streams.storage.undeclared import intrusions

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


def migrate(plan: Plan, tell: Callable[[str], None], *, dry_run: bool = False, tolerant: bool = False) -> list[str]:
    """Create and upgrade what is missing; with `dry_run` only say it, with its SQL. Returns what differs and was left.

    A database that belongs to no topic yet is given to this one; with `tolerant`, counts of another topic or other
    rules are one more thing that differs, for workers to refuse. Safe to repeat, and to interrupt: a migration that was
    applied in part must be applied again, so its statements are recorded only at its end. Raises Unreachable,
    WrongIdentity, Unfinished, or NotMigrated where an applied migration was changed or is unknown.
    """
    differing = make_topics(plan, tell, dry_run)
    differing += make_tables(plan, tell, dry_run)
    if not dry_run:
        try:
            identify(plan, tell, enter=True)
        except (WrongIdentity, Unfinished) as error:
            if not tolerant:
                raise
            differing.append(str(error))
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


def make_tables(plan: Plan, tell: Callable[[str], None], dry_run: bool) -> list[str]:
    """Create the database, apply the migrations that are missing, and mend what is otherwise than declared.

    Views are made anew. Returns what differs and was left, since mending it could lose something.
    """
    left: list[str] = []
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
            is_whole = client is not None
            applied = _applied(client, plan, dry_run)
            for script in _pending(client, plan, applied):
                tell(f"apply {script.name}")
                _apply(None if dry_run else client, script, tell)
                is_whole = not dry_run
            if client is not None and is_whole:
                left = _mend(client, plan, tell, dry_run)
            for script, why in pending_views(client if is_whole else None, _profile(client, plan, applied), applied):
                tell(f"mend: {why}" if why else f"apply {script.name}")
                try:
                    _apply(None if dry_run else client, script, tell)
                except ServerException as error:
                    if not left:
                        raise
                    left.append(f"{script.name} cannot be applied before that: {explain(error, plan.clickhouse)}")
            if client is not None:
                left += intrusions(client)
        except (Error, OSError, EOFError) as error:
            raise explain(error, plan.clickhouse) from error
    return left


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


def _apply(client: Client | None, script: Script, tell: Callable[[str], None]) -> None:
    """Apply the script, or without a client tell what it would execute."""
    if client is None:
        tell(";\n\n".join(script.statements) + ";\n")
    else:
        apply(client, script)


def _mend(client: Client, plan: Plan, tell: Callable[[str], None], dry_run: bool) -> list[str]:
    """Mend tables where no row can be lost by it; returns what is left to a person."""
    left = []
    for each in table_differences(client, plan.replicated):
        if not each.mend:
            left.append(each.words)
            continue
        tell(f"mend: {each.words}")
        for statement in each.mend:
            if dry_run:
                tell(f"{statement};\n")
            else:
                client.execute(statement)
    return left


def _applied(client: Client | None, plan: Plan, dry_run: bool) -> dict[str, str]:
    if client is None:
        return {}
    if not dry_run:
        for statement in preamble(plan.replicated).statements:
            client.execute(statement)
    if not client.execute("EXISTS TABLE migrations")[0][0]:
        return {}
    return dict(client.execute("SELECT name, checksum FROM migrations FINAL"))


def _pending(client: Client | None, plan: Plan, applied: Mapping[str, str]) -> Iterator[Script]:
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


def _profile(client: Client | None, plan: Plan, applied: Mapping[str, str]) -> Profile:
    if client is not None and IDENTITY in applied and (serving := read_history(client).serving):
        # The rules of the counts, not those that somebody means to move to: readers see both or neither.
        return profile_of(serving.origin.rules)
    return plan.profile


def pending_views(
    client: Client | None, profile: Profile, applied: Mapping[str, str]
) -> Iterator[tuple[Script, str | None]]:
    """The views of these rules that are to be made, each before the next is looked at.

    Those of another text come with None, those that are there and otherwise with how they are; without a client, what
    is there is not looked at.
    """
    there = None if client is None else Views(client, views(profile))
    for script in views(profile):
        if there is not None and there.is_occupied(script):
            continue
        if applied.get(script.name) != script.checksum:
            yield script, None
        elif there is not None and (why := there.difference(script)):
            yield script, why


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
