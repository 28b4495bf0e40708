"""The embedded ClickHouse server as a process of its own, with tables that fuzzing must not change, and its pulse."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

import psutil
from clickhouse_driver import Client
from msgspec import Struct

from chaos.fuzz.protocol_conversations import CUT_TABLE, KNOWN_TABLE

HOST = "127.0.0.1"
SECONDS = 30.0
"""How long any answer may take on a busy machine; what takes longer hangs."""
KNOWN_ROWS = 1000
_KNOWN = f"SELECT count(), sum(n), sum(cityHash64(s)) FROM {KNOWN_TABLE}"  # noqa: S608  # a constant


class Pulse(Struct, frozen=True):
    """What the server's process holds: bytes of memory, threads, open files."""

    memory: int
    threads: int
    files: int


class Serving:
    """A server over a new directory; a context manager. `port` is where it listens."""

    def __init__(self, data: Path, sinks: int) -> None:
        self._data = data
        self._sinks = sinks
        self._log = data.with_name(f"{data.name}.log")

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "deploy.embedded.clickhouse", str(self._data), "--port", "0"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            assert self.process.stdout is not None  # it is a pipe, for the type checker
            self.port = int(_line(self.process.stdout).rpartition(b":")[2])
            self._pulse = psutil.Process(self.process.pid)
            self._fill()
        except BaseException:
            self.process.kill()
            self.process.communicate()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def client(self) -> Client:
        """A well-behaved client."""
        return Client(HOST, port=self.port, sync_request_timeout=SECONDS, send_receive_timeout=SECONDS)

    def _fill(self) -> None:
        client = self.client()
        client.execute("CREATE DATABASE fuzz")
        client.execute(f"CREATE TABLE {KNOWN_TABLE} (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
        rows = [(number, f"row {number}" * 3) for number in range(KNOWN_ROWS)]
        client.execute(f"INSERT INTO {KNOWN_TABLE} VALUES", rows)
        for table in (CUT_TABLE, "fuzz.kept", *(self.sink(number) for number in range(self._sinks))):
            client.execute(f"CREATE TABLE {table} (s String) ENGINE = MergeTree ORDER BY tuple()")
        self._known = client.execute(_KNOWN)
        self._objects = self._names(client)
        client.disconnect()

    def sink(self, number: int) -> str:
        """The table that this client thread's inserts go to."""
        return f"fuzz.sink_{'abcdefgh'[number] * 6}"  # so far apart that no changed byte leads to another's

    def _names(self, client: Client) -> list[tuple[str, ...]]:
        names = [
            *client.execute("SELECT database, name FROM system.tables WHERE database = 'fuzz' AND engine = 'MergeTree'")
        ]
        return sorted(names + client.execute("SELECT name FROM system.databases"))

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def unharmed(self, client: Client) -> list[str]:
        """What has changed in tables that must not change."""
        found = []
        if (known := client.execute(_KNOWN)) != self._known:
            found.append(f"{KNOWN_TABLE} holds {known}, it held {self._known}")
        if cut := client.execute(f"SELECT count() FROM {CUT_TABLE}")[0][0]:  # noqa: S608  # a constant
            found.append(f"{cut} rows of inserts that broke off are there")
        if (names := self._names(client)) != self._objects:
            found.append(f"databases and tables have changed: {set(names) ^ set(self._objects)}")
        return found

    def pulse(self) -> Pulse:
        """What it holds at this moment."""
        return Pulse(self._pulse.memory_info().rss, self._pulse.num_threads(), self._pulse.num_fds())

    def rested(self, wanted: Pulse | None = None) -> Pulse:
        """What it holds once it holds no more than wanted, or else after a while."""
        deadline = time.monotonic() + SECONDS
        pulse = self.pulse()
        while time.monotonic() < deadline and wanted and (pulse.threads > wanted.threads or pulse.files > wanted.files):
            time.sleep(0.1)
            pulse = self.pulse()
        return pulse

    def left_over(self) -> list[str]:
        """Temporary files of inserts that have ended one way or another."""
        deadline = time.monotonic() + SECONDS
        while (found := [path.name for path in (self._data / "incoming").iterdir()]) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found

    def log_problems(self) -> list[str]:
        """What it wrote of faults of its own."""
        text = self._log.read_text(errors="replace")
        return [part[-3000:] for part in text.split("\n2") if "Traceback" in part or "Exception ignored" in part]

    def stop(self) -> list[str]:
        """What is wrong with how it stops."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.communicate(timeout=SECONDS)
        code = self.process.poll()
        return [] if code == 0 else [f"stopped by a signal it ended with {code}"]


def _line(output: IO[bytes]) -> bytes:
    line = output.readline()
    if not line:
        raise RuntimeError("the server did not start")
    return line
