"""A deployment to measure: the embedded platform, and workers that are started when there is something to count."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from bench.process_usage import NOTHING, Usage, usage, usage_of
from cli.embedded_platform import worker_joined
from deploy.embedded.platform import Options, Platform
from schemas.connection import ClickHouseConnection, KafkaConnection
from streams.storage.counting_progress import Lag, wait_until_counted

READY_SECONDS = 120.0


class Spent(Struct, frozen=True):
    """The cost of some work: wall seconds, and the usage of workers, ClickHouse and Kafka."""

    seconds: float
    worker: Usage
    clickhouse: Usage
    kafka: Usage

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of all of them."""
        return self.worker.cpu_seconds + self.clickhouse.cpu_seconds + self.kafka.cpu_seconds


class Deployment:
    """A context manager: Kafka and ClickHouse run inside, and everything stops afterwards.

    `variables` are the settings of its commands and workers, beside DOSSIER_DATA. Two of them do not share a `data`.
    """

    def __init__(self, data: Path, **variables: str) -> None:
        self.data = data.absolute()
        own = {name: value for name, value in os.environ.items() if not name.startswith("DOSSIER_")}
        self.environment = own | variables | {"DOSSIER_DATA": str(self.data)}
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._ended = NOTHING
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.data.mkdir(parents=True, exist_ok=True)
        self._stack.callback(self._kill_workers)
        self.platform = self._stack.enter_context(Platform(self.data, Options()))
        self.run("migrate")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill_workers()
        self.platform.kill()
        self._stack.close()

    @property
    def kafka(self) -> KafkaConnection:
        """Its Kafka."""
        return self.platform.kafka_access

    @property
    def clickhouse(self) -> ClickHouseConnection:
        """Its ClickHouse."""
        return self.platform.clickhouse_access

    def run(self, *arguments: str) -> str:
        """Run a `dossier` command to its end and return what it printed; raises CalledProcessError."""
        command = [sys.executable, "-m", "cli.main", *arguments]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    def start_workers(self, count: int, **variables: str) -> None:
        """Start so many workers more, with these variables, and return when each is a member of the group."""
        names = [f"bench-{len(self._workers) + number}" for number in range(1, count + 1)]
        for name in names:
            command = [sys.executable, "-m", "cli.main", "work", "--name", name]
            with (self.data / f"{name}.log").open("ab") as log:
                environment = self.environment | variables
                self._workers[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS
        for name in names:
            while not worker_joined(self.data, name):
                self._check_workers()
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{name} does not join the group: see {self.data / name}.log")
                time.sleep(0.05)

    def stop_workers(self) -> None:
        """Stop the workers in order, and wait for them; those that start afterwards have a peak of their own."""
        for worker in self._workers.values():
            self._ended += usage(worker.pid)
            worker.terminate()
        for worker in self._workers.values():
            worker.wait(READY_SECONDS)
        self._workers.clear()
        self._ended = Usage(self._ended.cpu_seconds, 0.0)

    def _check_workers(self) -> None:
        for name, worker in self._workers.items():
            if worker.poll() is not None:
                end = (self.data / f"{name}.log").read_text().splitlines()[-1:]
                raise RuntimeError(f"{name} has ended by itself, its log with: {''.join(end)}")

    def _kill_workers(self) -> None:
        for worker in self._workers.values():
            worker.kill()
            worker.wait()
        self._workers.clear()

    def kill_worker(self) -> str:
        """SIGKILL for one worker; returns its name, under which it can be started again."""
        name, worker = self._workers.popitem()
        self._ended += usage(worker.pid)
        worker.kill()
        worker.wait()
        return name

    def used(self) -> Spent:
        """What was used until now, since their starts; `seconds` is the clock."""
        pids = {each.name: each.pid or 0 for each in self.platform.state.processes}
        workers = usage_of(worker.pid for worker in self._workers.values()) + self._ended
        return Spent(time.monotonic(), workers, usage(pids["clickhouse"]), usage(pids["kafka"]))

    def spent(self, before: Spent) -> Spent:
        """What was used since `before`, as `used` gave it."""
        now = self.used()
        return Spent(
            now.seconds - before.seconds,
            now.worker.since(before.worker),
            now.clickhouse.since(before.clickhouse),
            now.kafka.since(before.kafka),
        )

    def count_everything(
        self, workers: int = 1, on_progress: Callable[[Lag], None] | None = None, **variables: str
    ) -> Spent:
        """Start so many workers on what waits, and return what it took until all of it was counted.

        The time of their start is in it. `on_progress` hears how far they are; raises RuntimeError when one ends.
        `variables` are more of the workers' settings.
        """

        def observe(lag: Lag) -> None:
            self._check_workers()
            if on_progress:
                on_progress(lag)

        before = self.used()
        self.start_workers(workers, **variables)
        wait_until_counted(self.kafka, self.clickhouse, observe)
        return self.spent(before)
