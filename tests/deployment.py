"""A deployment under test: the embedded platform in a directory, driven through the command line as a person would."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

import psutil
from clickhouse_driver import Client

from deploy.embedded.generated_secrets import FOLDER, Secrets, read_secrets
from deploy.embedded.state_file import PlatformState, read_state
from schemas.connection import KafkaConnection
from schemas.tables import EVENTS, FACTS, WINDOWS, Table
from streams.storage.clickhouse_client import connect

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "samples" / "wabo-receipt.csv"
MAPPING = ROOT / "samples" / "wabo-receipt.toml"

_POSITIONS = {"partition", "offset", "line", "epoch", "pos", "number", "published_at"}
"""Where something came in the log, and so as which of its kind."""
_IMPORTS = {"seq", "registers"}
"""These have the number of the import that an event came with."""


class Deployment:
    """A context manager: up and detached inside, down afterwards."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self._options = options

    def __enter__(self) -> Self:
        self.run("up", "--data", str(self.data), "--detach", *self._options)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.run("down")

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command to its end and return what it printed; it must end with this code."""
        return "".join(self._run(*arguments, code=code))

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command prints with --json; its progress, which a loaded machine gets to see, is elsewhere."""
        return json.loads(self._run(*arguments, "--json", code=code)[0])

    def load(self, file: Path, *options: str) -> str:
        """Import a file of the sample's shape and wait until it is counted."""
        return self.run("import", str(file), "--mapping", str(MAPPING), "--wait", *options)

    def command(self, *arguments: str) -> list[str]:
        """The command line of a command."""
        return [sys.executable, "-m", "cli.main", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command: this directory, and nothing of the caller's deployment."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DOSSIER_")}
        return inherited | {"DOSSIER_DATA": str(self.data), "PYTHONPATH": str(ROOT)}

    @property
    def state(self) -> PlatformState:
        """What the platform says of itself."""
        state = read_state(self.data)
        assert state is not None
        return state

    def clickhouse(self) -> Client:
        """A plain client of its database."""
        return connect(self.secrets.clickhouse_at(self.state.clickhouse))

    @property
    def kafka(self) -> KafkaConnection:
        """Its Kafka."""
        return self.secrets.kafka_at(self.state.kafka)

    @property
    def secrets(self) -> Secrets:
        """Its passwords."""
        return read_secrets(self.data / FOLDER)

    def snapshot(self) -> dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]:
        """Events, facts and windows by key, places and imports aside; windows that count nothing are no difference."""
        keys = ((EVENTS, ("dossier", "id")), (FACTS, ("dossier",)), (WINDOWS, ("agency", "window")))
        found = {table.name: self._rows(table, key) for table, key in keys}
        found["windows"] = {key: counts for key, counts in found["windows"].items() if any(counts)}
        return found

    def _run(self, *arguments: str, code: int) -> tuple[str, str]:
        done = subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout, done.stderr

    def _rows(self, table: Table, key: tuple[str, ...]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        rest = [column for column in table.columns if column not in _POSITIONS | _IMPORTS | {*key}]
        chosen = ", ".join([*key, *(f"sum({column})" if table is WINDOWS else column for column in rest)])
        group = f"GROUP BY {', '.join(key)}" if table is WINDOWS else ""
        client = self.clickhouse()
        rows = client.execute(f"SELECT {chosen} FROM {table.name} FINAL {group}", settings={"strings_as_bytes": True})
        client.disconnect()
        found = {row[: len(key)]: row[len(key) :] for row in rows}
        assert len(found) == len(rows)
        return found


_KILLS = 5


class Killer:
    """Kills a worker with SIGKILL at random moments of its block, a few times; the supervisor starts it again."""

    def __init__(self, deployment: Deployment, seed: int) -> None:
        self.killed = 0
        self._deployment = deployment
        self._random = Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        # Rarely enough that the group can settle in between: else nothing would be counted, and nothing proved.
        while self.killed < _KILLS and not self._stop.wait(self._random.uniform(2, 6)):
            workers = [
                each.pid for each in self._deployment.state.processes if each.name.startswith("worker") and each.pid
            ]
            if workers:
                try:
                    psutil.Process(self._random.choice(workers)).kill()
                except psutil.NoSuchProcess:
                    continue
                self.killed += 1
