"""`dossier status`: what runs in a data directory, and how to connect to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from cli.options import data_option
from cli.settings import read_profile, unknown_platform
from cli.terminal_escape import printable
from deploy.embedded.data_lock import is_locked
from deploy.embedded.deployment_profile_file import PROFILE
from deploy.embedded.generated_secrets import FOLDER, KAFKA_USER, NAMES, read_secrets
from deploy.embedded.state_file import PlatformState, read_state
from schemas.deployment_profile import Profile
from schemas.errors import SettingError
from schemas.reader_access import OWNER, READER
from schemas.rule_names import TITLES, RuleName

_NOTHING_RUNS = 3


@click.command("status")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--show-secrets", is_flag=True, help="Show the passwords instead of the files that hold them.")
@click.pass_context
def command(context: click.Context, data: Path, as_json: bool, show_secrets: bool) -> None:
    """Show what runs, and how to connect to it.

    Exit codes: 0 everything is ready, 1 something is not, 3 nothing runs.
    """
    state = read_state(data.absolute())
    if as_json:
        shown = msgspec.to_builtins(state) if state else {"state": "stopped", "processes": []}
        if state:
            shown["access"] = [each._asdict() for each in access(data.absolute(), state, show_secrets)]
        if state and (leading := _leading(data)):
            shown["leading_rule"] = leading
        click.echo(msgspec.json.encode(shown))
    elif state:
        click.echo(describe(state))
        if leading := _leading(data):
            click.echo(f"\nTerms are compared by {TITLES[leading][1]}.")
        head = Access("server", "address", "user", "password", "")
        click.echo("\n" + "\n".join(_table([head, *access(data.absolute(), state, show_secrets)])))
    elif is_locked(data.absolute()):
        click.echo(unknown_platform(data))
    else:
        click.echo(f"nothing runs in {data}: `dossier up --data {data}` starts it")
    context.exit(_NOTHING_RUNS if state is None else int(state.state != "ready"))


def _leading(data: Path) -> RuleName | None:
    """The rule that figures are by in this data directory; None where its profile cannot be read."""
    kept = data.absolute() / PROFILE
    try:
        return read_profile(kept, "DOSSIER_DATA").leading if kept.exists() else Profile().leading
    except SettingError:
        return None


class Access(NamedTuple):
    """How one user connects to a server; `secret` is the password, or the file that holds it."""

    server: str
    address: str
    user: str
    secret: str
    what: str


def access(data: Path, state: PlatformState, show_secrets: bool) -> list[Access]:
    """The users of the servers that run."""
    secrets = [str(data / FOLDER / name) for name in NAMES]
    if show_secrets:
        known = read_secrets(data / FOLDER)
        secrets = [known.owner.reveal(), known.reader.reveal(), known.kafka.reveal()]
    owner, reader, kafka = secrets
    rows = []
    if state.clickhouse:
        rows.append(Access("ClickHouse", state.clickhouse, READER, reader, "reads tables and views"))
        rows.append(Access("ClickHouse", state.clickhouse, OWNER, owner, "may do everything"))
    if state.kafka:
        rows.append(Access("Kafka", state.kafka, KAFKA_USER, kafka, "may do everything; SASL_PLAINTEXT, PLAIN"))
    return rows


def describe(state: PlatformState) -> str:
    """The processes as a table, with the end of the log of each that fails."""
    head = ("process", "state", "address", "pid", "restarts", "log")
    rows = [
        (each.name, each.state, each.address or "-", str(each.pid or "-"), str(each.restarts), each.log)
        for each in state.processes
    ]
    lines = _table([head, *rows])
    for each in state.processes:
        if each.state in ("restarting", "failing"):
            lines += ["", f"{each.name} {printable(each.reason)}", *(f"  | {printable(line)}" for line in each.tail)]
    if state.state == "starting":
        lines += ["", "starting: not everything is ready yet"]
    return "\n".join(lines)


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows with their columns aligned."""
    widths = [*(max(map(len, column)) for column in zip(*rows, strict=True))][:-1]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]
