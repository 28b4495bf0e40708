"""The embedded platform: Kafka, ClickHouse and workers in one data directory, from first start to stop."""

import fcntl
import functools
import http.client
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from deploy.embedded.clickhouse.users import READABLE
from deploy.embedded.files import write_whole
from deploy.embedded.home import move_in, settle
from deploy.embedded.jars import fetch, jar_folder, locked_jars
from deploy.embedded.kafka import broker, format_step, prepare_kafka
from deploy.embedded.ports import HOST, keep_ports, listens
from deploy.embedded.private import FOLDER, forget_secrets, keep_secrets, make_private, read_secrets
from deploy.embedded.process import Program, Step
from deploy.embedded.progress import Progress, Silence
from deploy.embedded.restart import RestartPolicy
from deploy.embedded.state import (
    LOCK,
    PlatformState,
    ProcessState,
    State,
    created,
    end_leftovers,
    former_state,
    has_ended,
    is_claimed,
    overall,
    read_state,
    stored_state,
    write_state,
)
from deploy.embedded.supervisor import StopRequest, Supervisor
from deploy.errors import AlreadyRuns, UnusableData
from schemas.connection import ClickHouseConnection, KafkaConnection

PROFILE = "profile.toml"
PORTS = "ports.json"


@dataclass(frozen=True, slots=True)
class Options:
    """What a platform runs; the default is Kafka and ClickHouse alone.

    `worker` gives the command of the worker of that name (worker-1 and so on) and is needed where `workers` is not 0;
    it is told by DOSSIER_METRICS where to say that it is well, at /health. `worker_ready` says whether it is ready,
    within two seconds and without raising. `setup` is a command that must succeed once per start before the workers
    do. A port that is not given is chosen and kept. `profile` is copied into the data directory. `variables` is what
    `setup` and workers find in their environment, `readable` the databases that ClickHouse's reader may read.
    """

    kafka: bool = True
    clickhouse: bool = True
    workers: int = 0
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
    """A running platform, as a context manager: entered when everything is ready, left when nothing of it runs.

    Entering raises AlreadyRuns, UnusableData, PortTaken, DownloadFailed or NotReady; nothing is left running then. An
    exception that interrupts it (Ctrl-C) stops everything in order, a second one during that kills. Children never
    outlive this process on Linux. One platform a data directory.
    """

    def __init__(self, data: Path, options: Options | None = None, progress: Progress | None = None) -> None:
        self.data = data.absolute()
        self._options = options or Options()
        self._progress = progress or Silence()
        self._stop = StopRequest()
        self._settled = threading.Event()
        # Waited for instead of the thread: an interrupted Thread.join takes a living thread for a dead one.
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._state = PlatformState(os.getpid(), created(os.getpid()), datetime.now(UTC), "starting")
        # One thread starts everything: Linux ends a child with the thread that started it.
        self._thread = threading.Thread(target=self._live, name="platform")

    @property
    def kafka(self) -> str:
        """host:port of Kafka; empty when it is not run."""
        return self._state.kafka

    @property
    def clickhouse(self) -> str:
        """host:port of ClickHouse's native protocol; empty when it is not run."""
        return self._state.clickhouse

    @property
    def kafka_access(self) -> KafkaConnection:
        """How its Kafka is reached."""
        return read_secrets(self.data / FOLDER).kafka_at(self.kafka)

    @property
    def clickhouse_access(self) -> ClickHouseConnection:
        """How its ClickHouse is reached by its owner."""
        return read_secrets(self.data / FOLDER).clickhouse_at(self.clickhouse)

    @property
    def state(self) -> PlatformState:
        """What the state file says now."""
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
        """Block until the platform ends; raises what ended it unless that was `close`."""
        self._over.wait()
        if self._failure:
            raise self._failure

    def close(self) -> None:
        """Stop everything in order and return when nothing runs; interrupted by an exception, it kills instead."""
        self.stop_soon()
        while self._thread.ident and not self._over.is_set():
            try:
                self._over.wait()
            except BaseException:
                # The exception that came first is the one that goes on.
                self.kill()

    def stop_soon(self) -> None:
        """Begin to stop everything in order, without waiting. For signal handlers."""
        self._stop.ask()

    def kill(self) -> None:
        """Begin to kill everything, without waiting. For signal handlers."""
        self._stop.kill()

    def _live(self) -> None:
        try:
            with _claimed(self.data, self._progress):
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
            for pid in end_leftovers(before):
                self._progress.say(f"process {pid} was left behind by a platform that was killed; it was ended")
            if origin := move_in(self.data):
                self._progress.say(f"this is a copy of {origin}: it gets ports and secrets of its own")
                (self.data / PORTS).unlink(missing_ok=True)
                forget_secrets(self.data)
                settle(self.data)
            if self._options.profile:
                keep_profile(self._options.profile, self.data)
            supervisor = Supervisor(
                self._stages(), self._stop, self._publish_changes, self._progress, self._options.restart
            )
            supervisor.start()
            self._publish(overall(supervisor.described()), supervisor.described())
            self._settled.set()
            supervisor.watch()
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
        wanted |= dict.fromkeys(self._worker_names())
        ports, moved = keep_ports(data / PORTS, wanted)
        for name, port in moved.items():
            self._progress.say(f"the port {name} had is in use now; it moves to {port}")
        first: list[Program | Step] = []
        second: list[Program | Step] = []
        variables = {**options.variables, "DOSSIER_DATA": str(data)}
        secrets = keep_secrets(data)
        if options.clickhouse:
            access = secrets.clickhouse_at(f"{HOST}:{ports['clickhouse']}")
            server = clickhouse(data, access, logs / "clickhouse.log", options.readable)
            first.append(server)
            variables["DOSSIER_CLICKHOUSE"] = server.address
        if options.kafka:
            folder = data / "kafka"
            kafka = secrets.kafka_at(f"{HOST}:{ports['kafka']}")
            cluster = prepare_kafka(folder, ports["kafka"], ports["controller"], kafka.user, kafka.password.reveal())
            jars = fetch(locked_jars(), jar_folder(data), self._progress, lambda: self._stop.is_asked)
            formatting = format_step(folder, cluster, jars, logs / "kafka-format.log")
            server = broker(folder, kafka, jars, logs / "kafka.log")
            (second if formatting else first).append(server)
            first += [formatting] if formatting else []
            variables["DOSSIER_KAFKA"] = server.address
        self._state = msgspec.structs.replace(
            self._state,
            kafka=variables.get("DOSSIER_KAFKA", ""),
            clickhouse=variables.get("DOSSIER_CLICKHOUSE", ""),
        )
        setup = [Step("setup", options.setup, logs / "setup.log", data, variables)] if options.setup else []
        return [first, second, [*setup], [*self._workers(logs, variables, ports)]]

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
                # The answer costs the broker more than starting workers can spare twenty times a second.
                ready_seconds=0.25,
                unwell=functools.partial(unwell, ports[name]),
            )

    def _publish_changes(self, processes: tuple[ProcessState, ...]) -> None:
        if not self._settled.is_set():
            self._publish("starting", processes)
            return
        # A full disk must not take a running platform down; the next change is written again.
        with suppress(OSError):
            self._publish(overall(processes), processes)

    def _publish(self, state: State, processes: tuple[ProcessState, ...]) -> None:
        self._state = msgspec.structs.replace(self._state, state=state, processes=processes)
        write_state(self.data, self._state)


def clickhouse(data: Path, access: ClickHouseConnection, log: Path, readable: tuple[str, ...]) -> Program:
    """The embedded ClickHouse server, as a process to supervise."""
    command = (sys.executable, "-m", "deploy.embedded.clickhouse", str(data / "clickhouse"), "--port", str(access.port))
    names = (argument for name in readable for argument in ("--readable", name))
    return Program(
        name="clickhouse",
        argv=(*command, "--secrets", str(data / FOLDER), *names),
        log=log,
        folder=data,
        address=access.address,
        ready=lambda: answers_query(access),
    )


def answers_query(access: ClickHouseConnection) -> bool:
    """Whether ClickHouse answers `SELECT 1`; takes about two seconds at most."""
    from clickhouse_driver import Client
    from clickhouse_driver.errors import Error

    if not listens(access.port):
        return False
    login = {"user": access.user, "password": access.password.reveal()}
    limits = {"connect_timeout": 1, "send_receive_timeout": 2, "sync_request_timeout": 1}
    client = Client(access.host, port=access.port, **login, **limits)
    try:
        return bool(client.execute("SELECT 1") == [(1,)])
    except (Error, OSError, EOFError):
        return False
    finally:
        client.disconnect()


def unwell(port: int) -> str:
    """What a worker says is wrong with it that a restart may mend, or that it says nothing; empty when it is well.

    One that does not listen there is not judged. Takes about two seconds at most.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return "" if answer.status == http.HTTPStatus.OK else answer.read(1000).decode(errors="replace").strip()
    except ConnectionRefusedError:
        return ""
    except (OSError, http.client.HTTPException):
        return "its /health does not answer"
    finally:
        connection.close()


def keep_profile(profile: Path, data: Path) -> None:
    """Copy a deployment profile into the data directory; raises UnusableData when another one is there already.

    What was counted depends on it, so it does not change silently.
    """
    kept = data / PROFILE
    try:
        content = profile.read_bytes()
    except OSError as error:
        raise UnusableData(f"the profile {profile} cannot be read: {error.strerror}") from error
    if not kept.exists():
        write_whole(kept, content)
    elif kept.read_bytes() != content:
        raise UnusableData(f"{profile} differs from {kept}, which is in force: edit that one, or use another --data")


def stop_platform(data: Path, seconds: float = 60.0) -> bool:
    """Stop the platform that runs on a data directory and wait for its end; False when none did.

    One that is not down after that long is killed. What a killed supervisor left behind is ended too. One that a former
    version started is stopped as well: who upgrades has that version no more.
    """
    state = read_state(data) or former_state(data)
    if state is None and is_claimed(data):
        raise AlreadyRuns(
            f"a platform has {data}, but not one of this machine and container: stop it where it was started"
        )
    if state:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(state.supervisor, number)
            if has_ended(state.supervisor, state.created, seconds):
                break
    return bool(end_leftovers(stored_state(data) or state)) or state is not None


@contextmanager
def _claimed(data: Path, progress: Progress) -> Iterator[None]:
    """Hold the data directory for this process alone, and close it to everybody else."""
    if make_private(data):
        progress.say(f"{data} was open to other users of this machine; now it is its owner's alone")
    with (data / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRuns(f"a platform runs in {data} already: `dossier down --data {data}` stops it") from None
        yield
