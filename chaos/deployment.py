"""A deployment under attack: the embedded platform, workers with crash points, and all events sent to it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

import psutil
from kafka import KafkaProducer

from chaos.crash_points import Trap
from chaos.deadline import Deadline
from chaos.extra_workers import ExtraWorkers
from chaos.hostile_events import traffic
from chaos.insert_faults import InsertFaults
from chaos.oracle.expected_rows import expected
from chaos.small_disk import SmallDisk
from chaos.tcp_proxy import Proxy
from chaos.trapped_worker import CLOCK
from chaos.verdict import Verdict, judge, stored_in
from cli.embedded_platform import SETUP, worker_joined
from connectors.errors import ConnectorError
from connectors.publishing.publisher import BULK, MAX_BLOCK, connect
from deploy.embedded.generated_secrets import FOLDER
from deploy.embedded.platform import Options, Platform
from deploy.embedded.ports import RANGE, is_free
from deploy.embedded.restart_policy import RestartPolicy
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import Profile
from schemas.events import Event
from schemas.topics import EVENTS
from streams.audit.audit_run import audit
from streams.audit.findings import Audit
from streams.broker.group import members
from streams.storage.clickhouse_client import connect as clickhouse_client
from streams.storage.counting_progress import Lag, lag, wait_until_counted

PARTITIONS = 8
_DISKS = {"clickhouse": 300, "kafka": 200, "state": 64}
"""Megabytes."""


class Deployment:
    """A context manager: runs inside the block. It records everything sent, for the verdict.

    Events and random choices follow from `seed`. Workers reach ClickHouse through a proxy that `insert_faults`
    controls; `trap` arms their crash points. `small_disks` puts the servers on `disks` that can be filled;
    entering raises NotPermitted where that is not allowed.
    """

    def __init__(
        self, data: Path, seed: int, *, workers: int = 2, profile: Profile | None = None, small_disks: bool = False
    ) -> None:
        self.data = data
        self.random = Random(seed)
        self.profile = profile or Profile()
        self.partitions = PARTITIONS
        self.insert_faults = InsertFaults()
        self.sent: list[Event] = []
        self._arrivals = traffic(seed)
        self.invalid_lines: list[bytes] = []
        self._folder = data / "chaos"
        self._folder.mkdir(parents=True)
        self.trap = Trap(self._folder)
        self._killed: dict[str, int] = {}
        """The last pid of each process that was killed."""
        self._extra_workers = ExtraWorkers(data / "logs", self._worker)
        self._stack = ExitStack()
        # Not from the seed: deployments that start at the same moment must choose different ports.
        self._port = next(port for port in Random().sample(RANGE, 50) if is_free(port))
        self._workers = workers
        disks = _DISKS if small_disks else {}
        self.disks = {name: SmallDisk(data / name, megabytes) for name, megabytes in disks.items()}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for disk in self.disks.values():
                stack.enter_context(disk)
            proxy = stack.enter_context(Proxy("127.0.0.1", self._port, self.insert_faults))
            self._proxied = f"127.0.0.1:{proxy.port}"
            stack.callback(self._extra_workers.kill)
            self.platform = self._started(self._workers, {})
            stack.callback(self._end_platform)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def kafka(self) -> KafkaConnection:
        """Its Kafka."""
        return self.platform.kafka_access

    @property
    def clickhouse(self) -> ClickHouseConnection:
        """Its ClickHouse, not through the proxy."""
        return self.platform.clickhouse_access

    @property
    def _by_proxy(self) -> dict[str, str]:
        """The variables by which a worker reaches ClickHouse through the proxy."""
        password = self.data / FOLDER / "clickhouse-owner"
        return {"DOSSIER_CLICKHOUSE": self._proxied, "DOSSIER_CLICKHOUSE_PASSWORD_FILE": str(password)}

    # Sending

    def send(self, events: int) -> None:
        """Publish the next events of its history."""
        self.publish(self.next_events(events))

    def next_events(self, events: int) -> list[Event]:
        """The next events of its history, to publish them in another way."""
        return list(islice(self._arrivals, events))

    def publish(self, events: Sequence[Event]) -> None:
        """Publish as a connector does, and again where Kafka did not acknowledge: nothing is counted twice."""
        self.sent += events
        self.await_true(lambda: self.is_delivered(events), "Kafka to take what is published")

    def is_delivered(self, events: Sequence[Event], patience: float = MAX_BLOCK) -> bool:
        """Publish once; whether Kafka acknowledged all within `patience` seconds. The events need not be counted."""
        try:
            with connect(self.kafka, BULK, max_block=patience) as publisher:
                for event in events:
                    publisher.publish(event)
        except ConnectorError:
            return False
        return True

    def publish_foreign(self, values: Iterable[bytes], lines: Sequence[bytes] = (), *, only: int | None = None) -> None:
        """Send raw values without keys to a random partition, or to `only`; `lines` must become dead letters."""
        self.invalid_lines += lines
        producer = KafkaProducer(**self.kafka.options(), acks="all")
        for value in values:
            partition = self.random.randrange(PARTITIONS) if only is None else only
            producer.send(EVENTS, value, partition=partition)
        producer.flush()
        producer.close()

    # Processes

    def process(self, name: str) -> psutil.Process:
        """The running process of this name; waits while it restarts."""
        deadline = Deadline(f"a process {name}")
        while True:
            for each in self.platform.state.processes:
                if each.name == name and each.pid and psutil.pid_exists(each.pid):
                    return psutil.Process(each.pid)
            deadline.check(str(self.platform.state))
            time.sleep(0.05)

    def kill(self, name: str) -> None:
        """Send SIGKILL to this process; it is restarted, for which `await_recovered` waits."""
        with suppress(psutil.NoSuchProcess):
            process = self.process(name)
            self._killed[name] = process.pid
            process.kill()

    def a_worker(self) -> str:
        """The name of one of the platform's workers."""
        return f"worker-{self.random.randint(1, self._workers)}"

    def name_of(self, pid: int) -> str:
        """The name of the worker with this pid."""
        named = [*((each.name, each.pid) for each in self.platform.state.processes), *self._extra_workers.pids()]
        return next(name for name, its_pid in named if its_pid == pid)

    def start_worker(self, name: str = "") -> str:
        """Start one more worker, or the one of this name again, and return its name at once."""
        return self._extra_workers.start(self.environment | self._by_proxy, name)

    def remove_worker(self, name: str) -> int:
        """Stop such a worker in order; returns its exit code."""
        return self._extra_workers.stop(name)

    def set_clocks(self, seconds: float) -> None:
        """Set the offset of the workers' clocks, in seconds."""
        (self._folder / CLOCK).write_text(str(seconds))

    def restart(self, workers: int, **variables: str) -> None:
        """Stop everything in order and start it again, with this number of workers and these variables for them."""
        self.platform.close()
        self.platform = self._started(workers, variables)

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a `dossier` command to its end; it must end with this code. Returns what it printed."""
        command = [sys.executable, "-m", "cli.main", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which a command finds this deployment."""
        return os.environ | {"DOSSIER_DATA": str(self.data)}

    # Waiting

    def await_true(self, holds: Callable[[], bool], what: str) -> None:
        """Return when it holds; raises Stuck with `what` when it does not in a long time."""
        deadline = Deadline(what)
        while not holds():
            deadline.check(str(self.platform.state))
            time.sleep(0.05)

    def await_recovered(self) -> None:
        """Return when every process of the platform is ready, and none is the one that was killed.

        On a loaded machine the platform takes a killed process for a ready one for a while.
        """
        self.await_true(
            lambda: all(
                each.state == "ready" and each.pid != self._killed.get(each.name)
                for each in self.platform.state.processes
            ),
            "recovery",
        )

    def is_member(self, name: str) -> bool:
        """Whether the group has a worker of this name."""
        return worker_joined(self.data, name)

    def await_member(self, name: str, *, is_one: bool) -> None:
        """Return when the group has, or has not, a worker of this name."""
        self.await_true(lambda: (name in members(self.kafka)) is is_one, f"the group to change for {name}")

    def await_counted(self) -> None:
        """Return when everything on the topic is counted; raises Stuck when counting stalls."""
        deadline, counted = Deadline("counting"), 0

        def check(far: Lag) -> None:
            nonlocal deadline, counted
            if far.counted > counted:
                deadline, counted = Deadline("counting"), far.counted
            deadline.check(f"{far.left} of {far.total} records are left; {self.platform.state}")

        wait_until_counted(self.kafka, self.clickhouse, check)

    def is_counted(self) -> bool:
        """Whether everything is counted."""
        return lag(self.kafka, self.clickhouse).left == 0

    # Verdict

    def verdict(self) -> Verdict:
        """Compares everything that was sent with everything that is stored."""
        self.await_recovered()
        self.await_counted()
        truth = expected(
            self.sent, partitions=self.partitions, terms=self.profile.terms, time_zone=self.profile.time_zone
        )
        return judge(truth, stored_in(self.clickhouse), thoroughly=False)

    def audited(self) -> Audit:
        """What `dossier audit` finds."""
        return audit(self.clickhouse, self.profile)

    def missing_dead_letters(self) -> int:
        """How many of the invalid lines are not among the dead letters."""
        client = clickhouse_client(self.clickhouse, strings_as_bytes=True)
        letters = {content for (content,) in client.execute("SELECT content FROM dead_letters FINAL")}
        client.disconnect()
        return sum(line not in letters for line in set(self.invalid_lines))

    def _started(self, workers: int, variables: Mapping[str, str]) -> Platform:
        assignments = [f"{name}={value}" for name, value in {**variables, **self._by_proxy}.items()]
        options = Options(
            workers=workers,
            clickhouse_port=self._port,
            setup=(*SETUP, *(() if workers else ("--tolerant",))),
            worker=lambda name: ("env", *assignments, *self._worker(name)),
            worker_ready=partial(worker_joined, self.data),
            # Processes that are killed on purpose restart without a delay.
            restart=RestartPolicy(first=0.1, longest=0.5, healthy=1.0, failing=10**9),
        )
        return Platform(self.data, options).__enter__()

    def _worker(self, name: str) -> tuple[str, ...]:
        return sys.executable, "-m", "chaos.trapped_worker", name, str(self._folder)

    def _end_platform(self) -> None:
        # The verdict is done by then: nothing needs an orderly stop.
        self.platform.kill()
        self.platform.close()
