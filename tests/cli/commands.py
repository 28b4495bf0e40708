"""The `dossier` command under test: how it is run and what it says."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import click

from cli.main import dossier
from schemas.connection import ClickHouseConnection, KafkaConnection

ROOT = Path(__file__).parents[2]
MAPPING = ROOT / "samples" / "wabo-receipt.toml"
AWAY = "127.0.0.1:1"
"""An address at which nothing answers."""
SAMPLE = ROOT / "samples" / "wabo-receipt.csv"


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """The one line in which a failed command says why, which must be all it says."""
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("dossier: ")
        return line.removeprefix("dossier: ")


def all_commands() -> dict[str, click.Command]:
    """Every command by its name, imported."""
    context = click.Context(dossier)
    found = {name: dossier.get_command(context, name) for name in dossier.list_commands(context)}
    return {name: command for name, command in found.items() if command}


Run: TypeAlias = Callable[..., Ended]
"""Runs `dossier` with these arguments; keywords are DOSSIER_ variables in lower case."""


def named(*services: KafkaConnection | ClickHouseConnection) -> dict[str, str]:
    """The variables, in lower case, that name these services."""
    found: dict[str, str] = {}
    for service in services:
        if isinstance(service, KafkaConnection):
            found["kafka"] = service.bootstrap
            if service.user:
                found |= {"kafka_security": service.security, "kafka_user": service.user}
                found["kafka_password"] = service.password.reveal()
        else:
            found |= {"clickhouse": service.address, "database": service.database}
            found["clickhouse_password"] = service.password.reveal()
    return found


def environment(**variables: str | Path) -> dict[str, str]:
    """The environment of a command in a process of its own: these variables, none of the caller's deployment."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DOSSIER_")}
    told = {f"DOSSIER_{name.upper()}": str(value) for name, value in variables.items()}
    return inherited | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"} | told


def apart(*arguments: str | Path, **variables: str | Path) -> Ended:
    """Run `dossier` in a process of its own, with these DOSSIER_ variables, and see how it ends."""
    command = [sys.executable, "-m", "cli.main", *map(str, arguments)]
    done = subprocess.run(
        command, env=environment(**variables), capture_output=True, text=True, timeout=240, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)
