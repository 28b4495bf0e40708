"""Creating and upgrading the tables of a database: migrations, repairs, dictionaries and views."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from msgspec import structs

from schemas.ddl import Script, dictionaries, migrations, preamble, views
from schemas.deployment_profile import Profile
from streams.errors import NotMigrated, Unfinished
from streams.storage.clickhouse_client import DRIVER_ERRORS, connect, explain
from streams.storage.deployment_plan import Plan
from streams.storage.dictionary_check import unreadable_dictionaries
from streams.storage.epochs import read_history
from streams.storage.schema_comparison import Views, table_differences
from streams.storage.undeclared_objects import interfering_objects

IDENTITY = "0006_identity.sql"
"""The migration since which the identity has a history."""


def require_migrated(client: Client, plan: Plan) -> None:
    """Raise NotMigrated unless exactly the migrations of this program are applied; views do not matter."""
    applied = dict(client.execute("SELECT name, checksum FROM migrations FINAL"))
    _refuse_unknown(applied, plan)
    if missing := [script.name for script in migrations(plan.replicated) if script.name not in applied]:
        raise NotMigrated(f"database {plan.clickhouse.database} lacks {', '.join(missing)}: run `dossier migrate`")


def make_tables(plan: Plan, on_step: Callable[[str], None], dry_run: bool) -> list[str]:
    """Create the database, apply missing migrations, repair what differs, and make dictionaries and views.

    Returns the differences that were left, as repairing them could lose something.
    """
    left: list[str] = []
    name = plan.clickhouse.database
    with ExitStack() as stack:
        # The database may not exist yet, so the first connection names none.
        server = connect(structs.replace(plan.clickhouse, database=""))
        stack.callback(server.disconnect)
        client = None
        try:
            exists = bool(server.execute("SELECT 1 FROM system.databases WHERE name = %(name)s", {"name": name}))
            if not exists:
                on_step(f"create database {name}")
            if not exists and not dry_run:
                server.execute(f"CREATE DATABASE IF NOT EXISTS `{name}` ENGINE = {_engine(plan)}")
            if exists or not dry_run:
                client = connect(plan.clickhouse)
                stack.callback(client.disconnect)
            writing = None if dry_run else client
            is_whole = client is not None
            applied = _applied(client, plan, dry_run)
            for script in _pending(client, plan, applied):
                on_step(f"apply {script.name}")
                _execute(writing, script, on_step)
                if writing is not None:
                    _record(writing, [script])
                is_whole = not dry_run
            if client is not None and is_whole:
                left = _repair(client, plan, on_step, dry_run)
            compared = client if is_whole else None
            made: list[Script] = []
            for script, why in pending_views(compared, _profile(client, plan, applied), name, applied):
                on_step(f"repair: {why}" if why else f"apply {script.name}")
                try:
                    _execute(writing, script, on_step)
                    made.append(script)
                except ServerException as error:
                    if not left:
                        raise
                    left.append(f"{script.name} cannot be applied before that: {explain(error, plan.clickhouse)}")
            if writing is not None and made:
                # At once: an insert takes as long as making a view, and a view that is not recorded is made again.
                _record(writing, made)
            if client is not None:
                left += interfering_objects(client)
                left += unreadable_dictionaries(client, name)
        except DRIVER_ERRORS as error:
            raise explain(error, plan.clickhouse) from error
    return left


def apply(client: Client, script: Script) -> None:
    """Execute the script and record it; raises what the driver does."""
    _execute(client, script)
    _record(client, [script])


def pending_views(
    client: Client | None, profile: Profile, database: str, applied: Mapping[str, str]
) -> Iterator[tuple[Script, str | None]]:
    """The dictionaries and views to be made by these rules, each before the next one is compared.

    One whose script changed comes with None, one that differs in the database with how it differs; without a client,
    the database is not compared.
    """
    scripts = (*dictionaries(profile, database), *views(profile))
    existing = None if client is None else Views(client, scripts)
    for script in scripts:
        if existing is not None and existing.is_occupied(script):
            continue
        if applied.get(script.name) != script.checksum:
            yield script, None
        elif existing is not None and (why := existing.difference(script)):
            yield script, why
        else:
            continue
        if existing is not None:
            existing.forget_columns()


def _engine(plan: Plan) -> str:
    if not plan.replicated:
        return "Atomic"
    return f"Replicated('/clickhouse/databases/{plan.clickhouse.database}', '{{shard}}', '{{replica}}')"


def _execute(client: Client | None, script: Script, on_step: Callable[[str], None] = lambda _: None) -> None:
    """Execute the script, or without a client report its statements."""
    if client is None:
        on_step(";\n\n".join(script.statements) + ";\n")
        return
    for statement in script.statements:
        client.execute(statement)


def _record(client: Client, scripts: Iterable[Script]) -> None:
    now = datetime.now(UTC)
    rows = [(script.name, script.checksum, now) for script in scripts]
    client.execute("INSERT INTO migrations (name, checksum, applied_at) VALUES", rows)


def _repair(client: Client, plan: Plan, on_step: Callable[[str], None], dry_run: bool) -> list[str]:
    """Repair tables where no row can be lost by it; returns what is left to a person."""
    left = []
    for each in table_differences(client, plan.replicated):
        if not each.repair:
            left.append(each.words)
            continue
        on_step(f"repair: {each.words}")
        for statement in each.repair:
            if dry_run:
                on_step(f"{statement};\n")
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
        # The rules of the stored counts, not those of the settings: a rebuild changes counts and views together.
        return plan.profile.counted_by(serving.origin.rules)
    return plan.profile


def _refuse_unknown(applied: Iterable[str], plan: Plan) -> None:
    own = {script.name for script in migrations(plan.replicated)}
    # Views have no number: those of a later version do no harm.
    if unknown := sorted(name for name in applied if name[:4].isdigit() and name not in own):
        raise NotMigrated(
            f"database {plan.clickhouse.database} has {', '.join(unknown)}, which this version ({_version()}) does not "
            "know: use the version that applied it, or a later one"
        )


def _version() -> str:
    return f"dossier {version('dossier-stream')}"
