"""`dossier up`, `status` and `down`: the embedded platform of one data directory."""

import contextlib
import functools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from msgspec import structs

from cli.progress import Display
from cli.settings import HANDED_ON, Settings, read_profile, unknown_platform
from cli.signals import Terminated, stop_signals
from cli.terminal import printable
from deploy.embedded.data_lock import is_locked
from deploy.embedded.jars import fetch, jar_folder, locked_jars
from deploy.embedded.log_files import bound_log, last_lines
from deploy.embedded.platform import Options, Platform
from deploy.embedded.secret_files import FOLDER, KAFKA_USER, NAMES, read_secrets
from deploy.embedded.state_file import PlatformState, read_state
from deploy.embedded.stop import stop_platform
from deploy.errors import NotReady, UnusableData
from schemas.access import OWNER, READER
from streams.broker.group import members
from streams.errors import Unreachable

SETUP = (sys.executable, "-m", "cli.main", "migrate")
WORKER = (sys.executable, "-m", "cli.main", "work")
POLL_SECONDS = 0.1
NOTHING_RUNS = 3

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="DOSSIER_DATA",
    default=Path("data"),
    show_default=True,
    show_envvar=True,
    help="Directory of everything the platform keeps.",
)
port_type = click.IntRange(1024, 65535)


@click.command(short_help="Start Kafka, ClickHouse and the workers.")
@data_option
@click.option("--workers", type=click.IntRange(0, 64), default=2, show_default=True, help="Counting processes to run.")
@click.option("--kafka-port", type=port_type, help="Port of Kafka; chosen at the first start if not given, then kept.")
@click.option("--clickhouse-port", type=port_type, help="Port of ClickHouse, chosen and kept likewise.")
@click.option(
    "--profile",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Deployment profile (TOML) for a new data directory.",
)
@click.option("--detach", is_flag=True, help="Return when all is ready and leave it running; `dossier down` stops it.")
@click.pass_obj
def up(
    settings: Settings,
    data: Path,
    workers: int,
    kafka_port: int | None,
    clickhouse_port: int | None,
    profile: Path | None,
    detach: bool,
) -> None:
    """Start Kafka, ClickHouse and the workers, and keep them running.

    Needs no containers and no Java. The first start downloads Kafka (45 MB).
    """
    # Said at once, and before a wrong one is kept: the first to read it otherwise is a process in the background.
    if profile:
        read_profile(profile, "--profile")
    _ = structs.replace(settings, data=data.absolute()).profile
    options = replace(
        counting_options(settings, data.absolute(), profile, workers),
        kafka_port=kafka_port,
        clickhouse_port=clickhouse_port,
    )
    run = _run_detached if detach else _run_here
    run(data.absolute(), options)


@click.command(short_help="Show what runs.")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.option("--show-secrets", is_flag=True, help="Show the passwords, too.")
@click.pass_context
def status(context: click.Context, data: Path, as_json: bool, show_secrets: bool) -> None:
    """Show what runs, and how to connect to it.

    Ends with 0 when everything is ready, 1 when something is not, and 3 when nothing runs.
    """
    state = read_state(data.absolute())
    if as_json:
        told = msgspec.to_builtins(state) if state else {"state": "stopped", "processes": []}
        if state:
            told["access"] = [each._asdict() for each in access(data.absolute(), state, show_secrets)]
        click.echo(msgspec.json.encode(told))
    elif state:
        click.echo(describe(state))
        click.echo("\n" + "\n".join(told_access(access(data.absolute(), state, show_secrets))))
    elif is_locked(data.absolute()):
        click.echo(unknown_platform(data))
    else:
        click.echo(f"nothing runs in {data}: `dossier up --data {data}` starts it")
    context.exit(NOTHING_RUNS if state is None else int(state.state != "ready"))


@click.command(short_help="Stop what runs.")
@data_option
@click.option("--quiet", is_flag=True, help="Print nothing.")
def down(data: Path, quiet: bool) -> None:
    """Stop the platform and wait until nothing of it runs; no error when nothing does."""
    stopped = stop_platform(data.absolute())
    if not quiet:
        click.echo(f"stopped what ran in {data}" if stopped else f"nothing runs in {data}")


def counting_options(settings: Settings, data: Path, profile: Path | None, workers: int = 2) -> Options:
    """A platform that counts: migrated at its start, ready once the workers share the partitions.

    Without workers it starts whatever the database holds, so that it can be put right.
    """
    # Its processes run in the data directory, where a relative name would name another file.
    named = ("env", f"DOSSIER_PROFILE={settings.profile_file}") if settings.profile_file else ()
    return Options(
        workers=workers,
        profile=profile,
        setup=(*named, *SETUP, *(() if workers else ("--tolerant",))),
        worker=lambda name: (*named, *WORKER, "--name", name),
        worker_ready=functools.partial(worker_joined, data),
        variables={name: os.environ[name] for name in HANDED_ON if name in os.environ},
        readable=(settings.database,),
    )


class Access(NamedTuple):
    """How one user connects to a server."""

    server: str
    address: str
    user: str
    secret: str
    what: str


def access(data: Path, state: PlatformState, show_secrets: bool) -> list[Access]:
    """How to connect: where each password is, or the password itself."""
    files = [str(data / FOLDER / name) for name in NAMES]
    if show_secrets:
        known = read_secrets(data / FOLDER)
        files = [known.owner.reveal(), known.reader.reveal(), known.kafka.reveal()]
    owner, reader, kafka = files
    rows = []
    if state.clickhouse:
        rows.append(Access("ClickHouse", state.clickhouse, READER, reader, "reads tables and views"))
        rows.append(Access("ClickHouse", state.clickhouse, OWNER, owner, "may do everything"))
    if state.kafka:
        rows.append(Access("Kafka", state.kafka, KAFKA_USER, kafka, "may do everything; SASL_PLAINTEXT, PLAIN"))
    return rows


def told_access(rows: list[Access]) -> list[str]:
    """The lines of a table."""
    head = Access("server", "address", "user", "password", "")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(4)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row.what]).rstrip()
        for row in (head, *rows)
    ]


def worker_joined(data: Path, name: str) -> bool:
    """Whether the worker of this name has its place in the group that counts for this platform."""
    state = read_state(data)
    try:
        return state is not None and name in members(read_secrets(data / FOLDER).kafka_at(state.kafka))
    except (Unreachable, UnusableData):
        return False


def describe(state: PlatformState) -> str:
    """The processes as a table, with the end of the log of each that fails."""
    head = ("process", "state", "address", "pid", "restarts", "log")
    rows = [
        (each.name, each.state, each.address or "-", str(each.pid or "-"), str(each.restarts), each.log)
        for each in state.processes
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in [head, *rows]
    ]
    for each in state.processes:
        if each.state in ("restarting", "failing"):
            lines += ["", f"{each.name} {printable(each.reason)}", *(f"  | {printable(line)}" for line in each.tail)]
    if state.state == "starting":
        lines += ["", "starting: not everything is ready yet"]
    return "\n".join(lines)


def _run_here(data: Path, options: Options) -> None:
    display = Display()
    platform = Platform(data, options, display)
    ready = False
    try:
        with stop_signals(platform.stop_soon, platform.kill), contextlib.ExitStack() as stack:
            with display:
                stack.enter_context(platform)
            ready = True
            click.echo(describe(platform.state))
            click.echo(f"\nReady. Ctrl-C here, or `dossier down --data {data}` elsewhere, stops everything.")
            platform.wait()
    except (KeyboardInterrupt, Terminated):
        # Being told to stop is how a foreground platform ends well; before it was ready, it is an interruption.
        if not ready:
            raise
        click.echo("stopped")


def _run_detached(data: Path, options: Options) -> None:
    log = data / "logs" / "supervisor.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        bound_log(log)
        log_start = log.stat().st_size if log.is_file() else 0
        with Display() as display, log.open("ab") as output:
            # Fetched here, where its progress is seen; the supervisor then finds it.
            fetch(locked_jars(), jar_folder(data), display)
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "up", *_arguments(data, options)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            with stop_signals(supervisor.terminate, supervisor.terminate):
                try:
                    state = _await_ready(data, supervisor, display)
                except BaseException:
                    supervisor.wait()
                    raise
    except OSError as error:
        raise UnusableData(f"{error.filename or data} cannot be used: {error.strerror}") from error
    if state is None:
        lines = last_lines(log, 1, log_start)
        failure = NotReady(lines[0].removeprefix("dossier: ") if lines else f"it did not start, see {log}")
        failure.exit_code = supervisor.returncode
        raise failure
    click.echo(describe(state))
    click.echo(f"\nReady and detached. `dossier down --data {data}` stops everything; its own log is {log}")


def _arguments(data: Path, options: Options) -> Iterator[str]:
    yield from ("--data", str(data), "--workers", str(options.workers))
    if options.kafka_port:
        yield from ("--kafka-port", str(options.kafka_port))
    if options.clickhouse_port:
        yield from ("--clickhouse-port", str(options.clickhouse_port))
    if options.profile:
        yield from ("--profile", str(options.profile.absolute()))


def _await_ready(data: Path, supervisor: subprocess.Popen[bytes], display: Display) -> PlatformState | None:
    while supervisor.poll() is None:
        state = read_state(data)
        if state and state.supervisor == supervisor.pid:
            if state.state == "ready":
                return state
            if state.processes:
                ready = sum(each.state == "ready" for each in state.processes)
                display.advance("Starting", ready, len(state.processes))
        time.sleep(POLL_SECONDS)
    return None
