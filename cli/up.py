"""`dossier up`: start the embedded platform of a data directory, here or detached."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
from msgspec import structs

from cli.embedded_platform import counting_options
from cli.options import data_option
from cli.progress import Display
from cli.settings import Settings, read_profile
from cli.signals import Terminated, stop_signals
from cli.status import describe
from deploy.embedded.jars import fetch, jar_folder, locked_jars
from deploy.embedded.kafka_cache import kafka_cache
from deploy.embedded.log_files import bound_log, last_lines
from deploy.embedded.platform import Options, Platform
from deploy.embedded.state_file import PlatformState, read_state
from deploy.errors import NotReady, UnusableData

_POLL_SECONDS = 0.1
_PORT = click.IntRange(1024, 65535)


@click.command("up")
@data_option
@click.option("--workers", type=click.IntRange(0, 64), default=2, show_default=True, help="Number of workers.")
@click.option(
    "--kafka-port",
    type=_PORT,
    help="Port of Kafka, kept from then on.  [default: the kept one, else one that is free]",
)
@click.option(
    "--clickhouse-port",
    type=_PORT,
    help="Port of ClickHouse, kept from then on.  [default: the kept one, else one that is free]",
)
@click.option(
    "--profile",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Deployment profile (TOML) for a new data directory.",
)
@click.option("--detach", is_flag=True, help="Return when all is ready and leave it running; `dossier down` stops it.")
@click.pass_obj
def command(
    settings: Settings,
    data: Path,
    workers: int,
    kafka_port: int | None,
    clickhouse_port: int | None,
    profile: Path | None,
    detach: bool,
) -> None:
    """Start Kafka, ClickHouse and the workers, and keep them running.

    Needs neither containers nor Java. The first start downloads Kafka (45 MB) and makes a cache of its
    classes (68 MB), with which it starts twice as fast.
    """
    # A broken profile is reported before it is copied into the data directory.
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
        # A signal is the normal end of a ready platform; before that it is an interruption.
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
            # Downloaded and prepared by this process, which shows progress; the supervisor then finds it.
            folder = jar_folder(data)
            kafka_cache(fetch(locked_jars(), folder, display), folder, display, lambda: False)
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
    click.echo(f"\nReady and detached. `dossier down --data {data}` stops everything; the supervisor's log is {log}")


def _arguments(data: Path, options: Options) -> Iterator[str]:
    yield from ("--data", str(data), "--workers", str(options.workers))
    if options.kafka_port:
        yield from ("--kafka-port", str(options.kafka_port))
    if options.clickhouse_port:
        yield from ("--clickhouse-port", str(options.clickhouse_port))
    if options.profile:
        yield from ("--profile", str(options.profile.absolute()))


def _await_ready(data: Path, supervisor: subprocess.Popen[bytes], display: Display) -> PlatformState | None:
    """The state once all is ready; None if the supervisor ends before."""
    while supervisor.poll() is None:
        state = read_state(data)
        if state and state.supervisor == supervisor.pid:
            if state.state == "ready":
                return state
            if state.processes:
                ready = sum(each.state == "ready" for each in state.processes)
                display.advance("Starting", ready, len(state.processes))
        time.sleep(_POLL_SECONDS)
    return None
