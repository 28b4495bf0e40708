"""A contest: one Kafka with the data set on it, and every system, one after the other."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from bench import topics
from bench.dataset import Cell, Line, difference, lines, singles, truth
from bench.deployment import Deployment
from bench.peers import ours
from bench.peers.errors import PeerError
from bench.peers.installation import Installation
from bench.peers.peer_process import Process
from bench.peers.peer_task import Task
from bench.peers.result import Row, after_kill, with_figures
from bench.peers.systems import PEERS, Peer
from bench.peers.throughput import Figures, Pace, Used
from schemas.topics import EVENTS

NOT_TRIED = "not tried"


class Contest:
    """A context manager: the data set waits on Kafka inside, nothing runs afterwards; `on_step` gets each step."""

    def __init__(
        self, folder: Path, installation: Installation, seed: int, events: int, on_step: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._installation = installation
        self._seed = seed
        self._events = events
        self._on_step = on_step
        self._stack = ExitStack()
        self._filled = {EVENTS}

    def __enter__(self) -> Self:
        self._on_step(f"making {self._events:,} events")
        self._data = lines(self._seed, self._events)
        with ExitStack() as stack:
            self._deployment = stack.enter_context(Deployment(self._folder / "platform"))
            self._on_step("publishing them in envelopes")
            ours.publish(self._deployment, self._data)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def bytes_per_event(self) -> int:
        """The mean size of an event's JSON."""
        return round(sum(len(line.content) for line in self._data) / len(self._data))

    @property
    def duplicates(self) -> int:
        """Events that are there again."""
        return len(self._data) - self._truth.total()

    def row(self, name: str, *, kill: bool) -> Row:
        """Measure the system of this name, and what a SIGKILL does to it; why it is not measured is in the note."""
        if name == ours.NAME:
            return self._ours(kill=kill)
        peer = next(peer for peer in PEERS if peer.name == name)
        data = self._first(peer.share)
        row = Row(system=name, version=peer.version, events=len(data))
        try:
            figures, counted = self._measure(peer, data)
        except PeerError as error:
            self._on_step(f"{name}: {error}")
            return msgspec.structs.replace(row, note=str(error))
        row = with_figures(row, figures, difference(counted, self._truth if peer.share == 1 else truth(data)))
        self._report(row)
        if peer.not_killed or not kill:
            return msgspec.structs.replace(row, killed=NOT_TRIED, note=peer.not_killed)
        try:
            return msgspec.structs.replace(row, killed=after_kill(self._kill(peer, data), counted))
        except PeerError as error:
            return msgspec.structs.replace(row, killed="failed", note=str(error))

    def _ours(self, *, kill: bool) -> Row:
        self._on_step(f"{ours.NAME} counts")
        pace = ours.count(self._deployment, self._events)
        self._deployment.stop_workers()
        counted = ours.counted(self._deployment)
        row = Row(system=ours.NAME, version=ours.VERSION, events=self._events)
        row = with_figures(row, pace.figures(), difference(counted, ours.truth(self._data)))
        self._report(row)
        if not kill:
            return msgspec.structs.replace(row, killed=NOT_TRIED)
        self._on_step(f"{ours.NAME} is killed half way")
        with Deployment(self._folder / "platform-of-the-killed") as deployment:
            ours.publish(deployment, self._data)
            ours.count_killed(deployment)
            deployment.stop_workers()
            return msgspec.structs.replace(row, killed=after_kill(ours.counted(deployment), counted))

    def _measure(self, peer: Peer, data: Sequence[Line]) -> tuple[Figures, Counter[Cell]]:
        with self._started(peer, peer.name) as process:
            self._on_step(f"{peer.name} counts")
            pace = Pace(len(data), lambda: Used(time.time(), process.usage(), self._deployment.used().kafka))
            process.follow(pace)
            if peer.ends:
                process.wait()
            process.finish()
            if peer.flushes:
                pace.stopped()
            counted = peer.counted(self._deployment.kafka, process.task)
            pace.written(counted.written)
            return pace.figures(), counted.cells

    def _kill(self, peer: Peer, data: Sequence[Line]) -> Counter[Cell]:
        with self._started(peer, f"{peer.name}-killed") as process:
            self._on_step(f"{peer.name} is killed half way")
            process.wait_for(len(data) // 2)
            process.kill()
            process.start()
            process.wait_until_quiet(len(data))
            process.finish()
            return peer.counted(self._deployment.kafka, process.task).cells

    def _started(self, peer: Peer, name: str) -> Process:
        command = peer.command(self._installation)
        topics.create(self._deployment.kafka, name)
        kafka, folder = self._deployment.kafka, self._folder / name
        task = Task(kafka.bootstrap, name, self._topic(peer), name, folder, kafka.user, kafka.password.reveal())
        return Process(task, command, peer.variables)

    def _topic(self, peer: Peer) -> str:
        """The topic that holds what this peer is to count; it is filled when the first one asks for it."""
        topic = peer.topic if peer.share == 1 else f"{peer.topic}-{peer.share}"
        if topic not in self._filled:
            self._on_step("publishing single events")
            topics.create(self._deployment.kafka, topic)
            records = singles(self._first(peer.share), topics.PARTITIONS)
            topics.publish(self._deployment.kafka, topic, records)
            self._filled.add(topic)
        return topic

    def _first(self, share: float) -> Sequence[Line]:
        return self._data if share == 1 else self._data[: int(len(self._data) * share)]

    @cached_property
    def _truth(self) -> Counter[Cell]:
        return truth(self._data)

    def _report(self, row: Row) -> None:
        self._on_step(
            f"{row.system}: {row.events_per_second:,} events/s, {row.cpu_seconds_per_million:,} CPU seconds "
            f"per million, {row.peak_mb:,} MB, {row.wrong:,} wrong"
        )
