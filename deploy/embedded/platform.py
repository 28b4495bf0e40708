"""The embedded platform: Kafka, ClickHouse and workers in one data directory, from first start to stop."""

import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from deploy.embedded.clickhouse.users import READABLE
from deploy.embedded.clickhouse_program import clickhouse_server
from deploy.embedded.copy_detection import adopt, original_of
from deploy.embedded.data_lock import locked
from deploy.embedded.deployment_profile_file import keep_profile
from deploy.embedded.generated_secrets import FOLDER, forget_secrets, keep_secrets, read_secrets
from deploy.embedded.jars import fetch, jar_folder, locked_jars
from deploy.embedded.kafka_cache import kafka_cache
from deploy.embedded.kafka_program import broker, format_step, prepare_kafka
from deploy.embedded.ports import HOST, keep_ports
from deploy.embedded.process import Program, Step
from deploy.embedded.process_liveness import created
from deploy.embedded.progress import Progress, Silence
from deploy.embedded.restart_policy import RestartPolicy
from deploy.embedded.state_file import PlatformState, ProcessState, State, overall, stored_state, write_state
from deploy.embedded.stop import end_orphans
from deploy.embedded.supervisor import StopRequest, Supervisor
from deploy.embedded.worker_health import health_problem, is_ready
from deploy.errors import UnusableData
from schemas.connection import ClickHouseConnection, KafkaConnection

PORTS = "ports.json"


@dataclass(frozen=True, slots=True)
class Options:
    """What a platform runs; the default is Kafka and ClickHouse alone.

    `worker` gives the command of the worker with that name (worker-1 and so on); it is required where `workers` is not
    0. DOSSIER_METRICS tells the worker on which address to serve /health. `worker_ready` says whether it is ready,
    within two seconds and without raising. `services` are the commands of further programs by name; they start with
    the workers, and serve /ready, too. `setup` is a command that must succeed at every start, before the workers. A
    port that is not given is chosen and kept. `profile` is copied into the data directory. `variables` is added to the
    environment of `setup`, workers and services; `readable` are the databases that ClickHouse's reader may read.
    """

    kafka: bool = True
    clickhouse: bool = True
    workers: int = 0
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kafka_port: int | None = None
    clickhouse_port: int | None = None
    profile: Path | None = None
    setup: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[str, ...] = READABLE
    worker: Callable[[str], tuple[str, ...]] = lambda _name: ()
    worker_ready: Callable[[str], bool] = lambda _name: True
    restart: RestartPolicy = field(default_factory=RestartPolicy)


class Platform:
    """A running platform, as a context manager: entering returns when everything is ready, leaving when all has ended.

    Entering raises AlreadyRuns, UnusableData, PortTaken, DownloadFailed or NotReady, and then leaves nothing running.
    An exception that interrupts it (Ctrl-C) stops everything in order; a second one kills. On Linux, children never
    outlive this process. A data directory has one platform.
    """

    def __init__(self, data: Path, options: Options | None = None, progress: Progress | None = None) -> None:
        self.data = data.absolute()
        self._options = options or Options()
        self._progress = progress or Silence()
        self._stop = StopRequest()
        self._settled = threading.Event()
        # Waited for instead of the thread: an interrupted Thread.join takes a running thread for an ended one.
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._state = PlatformState(os.getpid(), created(os.getpid()), datetime.now(UTC), "starting")
        # One thread starts everything: Linux ends a child with the thread that started it.
        self._thread = threading.Thread(target=self._live, name="platform")

    @property
    def kafka(self) -> str:
        """host:port of Kafka; empty where it does not run."""
        return self._state.kafka

    @property
    def clickhouse(self) -> str:
        """host:port of ClickHouse's native protocol; empty where it does not run."""
        return self._state.clickhouse

    @property
    def kafka_access(self) -> KafkaConnection:
        """The connection to its Kafka."""
        return read_secrets(self.data / FOLDER).kafka_at(self.kafka)

    @property
    def clickhouse_access(self) -> ClickHouseConnection:
        """The connection to its ClickHouse, as its owner."""
        return read_secrets(self.data / FOLDER).clickhouse_at(self.clickhouse)

    @property
    def state(self) -> PlatformState:
        """The current content of the state file."""
        return self._state

    def __enter__(self) -> Self:
        try:
            self._thread.start()
            self._settled.wait()
        except BaseException:
            self.close()
            raise
        if self._failure:
            self._over.wait()
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait(self) -> None:
        """Block until the platform ends; raises the error that ended it, unless `close` did."""
        self._over.wait()
        if self._failure:
            raise self._failure

    def close(self) -> None:
        """Stop everything in order and return when all has ended; an exception meanwhile makes it kill instead."""
        self.stop_soon()
        while self._thread.ident and not self._over.is_set():
            try:
                self._over.wait()
            except BaseException:
                # The first exception is the one that propagates.
                self.kill()

    def stop_soon(self) -> None:
        """Start to stop everything in order, without waiting. For signal handlers."""
        self._stop.ask()

    def kill(self) -> None:
        """Start to kill everything, without waiting. For signal handlers."""
        self._stop.kill()

    def _live(self) -> None:
        try:
            with locked(self.data, self._progress):
                self._run()
        except OSError as error:
            self._failure = UnusableData(f"{error.filename or self.data} cannot be used: {error.strerror or error}")
        except BaseException as error:  # raised again in the thread that asked for the platform
            self._failure = error
        finally:
            self._settled.set()
            self._over.set()

    def _run(self) -> None:
        before = stored_state(self.data)
        self._publish("starting", ())
        supervisor = None
        processes: tuple[ProcessState, ...] = ()
        try:
            for pid in end_orphans(before):
                self._progress.say(f"process {pid} was left behind by a killed platform; it was ended")
            if origin := original_of(self.data):
                self._progress.say(f"this directory is a copy of {origin}: it gets ports and secrets of its own")
                (self.data / PORTS).unlink(missing_ok=True)
                forget_secrets(self.data)
                adopt(self.data)
            if self._options.profile:
                keep_profile(self._options.profile, self.data)
            supervisor = Supervisor(
                self._stages(), self._stop, self._publish_changes, self._progress, self._options.restart
            )
            supervisor.start()
            self._publish(overall(supervisor.described()), supervisor.described())
            self._settled.set()
            supervisor.supervise()
        finally:
            if supervisor:
                supervisor.stop()
                processes = supervisor.described()
            with suppress(OSError):
                self._publish("stopped", processes)

    def _stages(self) -> list[list[Program | Step]]:
        options, data, logs = self._options, self.data, self.data / "logs"
        wanted: dict[str, int | None] = {}
        if options.kafka:
            wanted |= {"kafka": options.kafka_port, "controller": None}
        if options.clickhouse:
            wanted |= {"clickhouse": options.clickhouse_port}
        wanted |= dict.fromkeys([*self._worker_names(), *options.services])
        ports, moved = keep_ports(data / PORTS, wanted)
        for name, port in moved.items():
            self._progress.say(f"the former port of {name} is in use; it moves to {port}")
        first: list[Program | Step] = []
        second: list[Program | Step] = []
        variables = {**options.variables, "DOSSIER_DATA": str(data)}
        secrets = keep_secrets(data)
        if options.clickhouse:
            access = secrets.clickhouse_at(f"{HOST}:{ports['clickhouse']}")
            server = clickhouse_server(data, access, logs / "clickhouse.log", options.readable)
            first.append(server)
            variables["DOSSIER_CLICKHOUSE"] = server.address
        if options.kafka:
            folder = data / "kafka"
            kafka = secrets.kafka_at(f"{HOST}:{ports['kafka']}")
            cluster = prepare_kafka(folder, ports["kafka"], ports["controller"], kafka.user, kafka.password.reveal())
            jars = fetch(locked_jars(), jar_folder(data), self._progress, lambda: self._stop.is_asked)
            cache = kafka_cache(jars, jar_folder(data), self._progress, lambda: self._stop.is_asked)
            formatting = format_step(folder, cluster, jars, logs / "kafka-format.log", cache)
            server = broker(folder, kafka, jars, logs / "kafka.log", cache)
            (second if formatting else first).append(server)
            first += [formatting] if formatting else []
            variables["DOSSIER_KAFKA"] = server.address
        self._state = msgspec.structs.replace(
            self._state,
            kafka=variables.get("DOSSIER_KAFKA", ""),
            clickhouse=variables.get("DOSSIER_CLICKHOUSE", ""),
        )
        setup = [Step("setup", options.setup, logs / "setup.log", data, variables)] if options.setup else []
        return [
            first,
            second,
            [*setup],
            [*self._workers(logs, variables, ports), *self._services(logs, variables, ports)],
        ]

    def _worker_names(self) -> list[str]:
        return [f"worker-{number}" for number in range(1, self._options.workers + 1)]

    def _workers(self, logs: Path, variables: Mapping[str, str], ports: Mapping[str, int]) -> Iterator[Program]:
        for name in self._worker_names():
            address = f"{HOST}:{ports[name]}"
            yield Program(
                name,
                self._options.worker(name),
                logs / f"{name}.log",
                self.data,
                {**variables, "DOSSIER_METRICS": address},
                address=address,
                ready=functools.partial(self._options.worker_ready, name),
                # The check costs the broker CPU that starting workers need.
                ready_check_seconds=0.25,
                health_problem=functools.partial(health_problem, ports[name]),
            )

    def _services(self, logs: Path, variables: Mapping[str, str], ports: Mapping[str, int]) -> Iterator[Program]:
        for name, argv in self._options.services.items():
            address = f"{HOST}:{ports[name]}"
            yield Program(
                name,
                argv,
                logs / f"{name}.log",
                self.data,
                {**variables, "DOSSIER_METRICS": address},
                address=address,
                ready=functools.partial(is_ready, ports[name]),
                ready_check_seconds=0.25,
                health_problem=functools.partial(health_problem, ports[name]),
            )

    def _publish_changes(self, processes: tuple[ProcessState, ...]) -> None:
        if not self._settled.is_set():
            self._publish("starting", processes)
            return
        # A full disk must not stop a running platform; the next change writes the state again.
        with suppress(OSError):
            self._publish(overall(processes), processes)

    def _publish(self, state: State, processes: tuple[ProcessState, ...]) -> None:
        self._state = msgspec.structs.replace(self._state, state=state, processes=processes)
        write_state(self.data, self._state)
