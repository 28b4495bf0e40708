"""A schedule: an explicit list of what happens to some workers and a log, made from a seed."""

from collections.abc import Callable, Iterator, Sequence
from random import Random

from msgspec import Struct, structs

from chaos.simulation.log import Log, random_log
from chaos.simulation.steps import (
    Acknowledge,
    Again,
    Backup,
    Crash,
    FailState,
    KeepState,
    Late,
    Move,
    Part,
    ReplaceState,
    Restore,
    RestoreBackup,
    Rewind,
    Skip,
    Step,
    Take,
    Tick,
    Write,
)
from streams.worker.cadence import AT_ONCE, Cadence

SCHEDULES_OF_A_LOG = 8
"""So many seeds in a row share their log: making it and asking the oracle costs as much as a run."""

_STEPS = 70
_DOSSIERS = (0, 1, 1, 1000)
_WINDOWS = (0, 2, 1000, 1000)
"""What workers cache at most; what is not yet written stays in any case."""
_EFFORTS = (2, 1_000_000, 1_000_000)
"""After how much effort a batch is cut."""
_BYTES = (1, 1 << 25, 1 << 25)
"""How many bytes of registers a worker reads at once, and caches at most."""
_CADENCES = (AT_ONCE, Cadence(1.0, 5.0, max_effort=4), Cadence(1.0, 5.0, max_effort=1_000_000))
_TICKS = (1.0, 1.0, 5.0)
"""Seconds after which windows are due, or everything is."""
_SOURCES = ("facts", "windows", "facts", "windows", "progress", "events", "dead_letters")


class Limits(Struct, frozen=True):
    """The limits of a worker: how much it caches, and what a batch may take."""

    dossiers: int
    windows: int
    effort: int
    cached_bytes: int
    read_bytes: int
    cadence: Cadence = AT_ONCE
    has_state: bool = True
    """Whether it has local state."""


class Schedule(Struct, frozen=True):
    """A log, the owner of each partition, the limits of each worker, and what happens.

    `afterwards` says whether the writes that are then still in flight arrive at the very end.
    """

    log: Log
    owners: tuple[int, ...]
    limits: tuple[Limits, ...]
    steps: tuple[Step, ...]
    afterwards: bool


def schedule_of(seed: int) -> Schedule:
    """The schedule of a seed: the same in every process."""
    random = Random(seed)
    log = _log(seed // SCHEDULES_OF_A_LOG)
    workers = random.choice((1, 2, 2, 3))
    # With numbers of their own, so that a seed still gives the steps that it gave before there was all this.
    bytes_of, cadence_of = Random(f"{seed} bytes"), Random(f"{seed} cadence")
    make = _Random(random, cadence_of, log.partitions, workers)
    states = _States(Random(f"{seed} states"), workers)
    return Schedule(
        log,
        owners=tuple([random.randrange(workers) for _ in range(log.partitions)]),
        limits=tuple(
            [
                Limits(
                    random.choice(_DOSSIERS),
                    random.choice(_WINDOWS),
                    random.choice(_EFFORTS),
                    bytes_of.choice(_BYTES),
                    bytes_of.choice(_BYTES),
                    cadence_of.choice(_CADENCES),
                    states.has_state(),
                )
                for _ in range(workers)
            ]
        ),
        steps=tuple(states.among(make.steps(_STEPS))),
        afterwards=random.random() < 0.5,
    )


_newest: list[tuple[int, Log]] = []


def _log(seed: int) -> Log:
    """The log of this seed; the last one is kept."""
    if not _newest or _newest[0][0] != seed:
        _newest[:] = [(seed, random_log(seed))]
    return _newest[0][1]


class _Choice:
    """What makes steps, each as likely as its weight."""

    def __init__(self, weights: dict[Callable[[], Step], int]) -> None:
        self._makes = [make for make, weight in weights.items() for _ in range(weight)]

    def one(self, random: Random) -> Callable[[], Step]:
        return self._makes[int(random.random() * len(self._makes))]


class _Random:
    """Makes steps at random."""

    def __init__(self, random: Random, ticks: Random, partitions: int, workers: int) -> None:
        self._random = random
        self._ticks = ticks
        self._partitions = range(partitions)
        self._workers = range(workers)
        self._outer = _Choice(
            {
                self._take: 36,
                self._write: 30,
                self._acknowledge: 10,
                self._crash: 5,
                self._move: 8,
                self._rewind: 2,
                self._skip: 2,
                self._again: 4,
                self._late: 3,
            }
        )
        self._inner = _Choice(
            {
                self._write: 30,
                self._short_take: 6,
                self._move: 3,
                self._crash: 2,
                self._again: 2,
                self._late: 2,
            }
        )

    def steps(self, number: int) -> list[Step]:
        """So many steps; some come together."""
        steps: list[Step] = []
        while len(steps) < number:
            chance = self._random.random()
            if chance < 0.02:
                steps += self._crash_within_an_insert()
            elif chance < 0.05:
                steps += self._overtaken()
            else:
                steps.append(self._outer.one(self._random)())
                steps += self._tick(steps[-1])
        return steps

    def _crash_within_an_insert(self) -> list[Step]:
        random, worker = self._random, self._worker()
        taken = Take(worker, self._parts())
        before: list[Step] = [Write(worker) for _ in range(random.choice((0, 1, 1, 1, 2)))]
        failed = Write(worker, False, random.choice((0.3, 0.5, 0.7)), random.randrange(1000))
        return [taken, *before, failed, Crash(worker, self._worker())]

    def _overtaken(self) -> list[Step]:
        """A worker with warm caches loses a partition without notice, another goes on, and so does the first."""
        random, partition, former, owner = self._random, self._partition(), self._worker(), self._worker()
        return [
            Move(partition, former, notified=random.random() < 0.5, stops=random.random() < 0.5),
            Take(former, (Part(partition, random.randint(1, 3)),)),
            *[Write(former) for _ in range(5)],
            Acknowledge(former),
            Move(partition, owner, notified=False, stops=False),
            Take(owner, (Part(partition, random.randint(1, 2)),)),
            *[Write(owner) for _ in range(random.randint(2, 5))],
            Take(former, (Part(partition, random.randint(1, 3)),)),
        ]

    def _worker(self) -> int:
        return self._random.choice(self._workers)

    def _partition(self) -> int:
        return self._random.choice(self._partitions)

    def _back(self) -> int:
        return self._random.choice((0, 0, 0, 1, 2, 100))

    def _parts(self) -> tuple[Part, ...]:
        random = self._random
        parts = [Part(partition, random.choice((0, 1, 1, 2, 3))) for partition in self._partitions]
        if random.random() < 0.04:
            parts.append(Part(self._partition(), random.randint(1, 3), back=random.randint(1, 3)))
        return tuple([part for part in parts if part.records])

    def _take(self) -> Step:
        random = self._random
        meanwhile = []
        if random.random() < 0.5:
            for _ in range(random.randint(1, 4)):
                steps = []
                while random.random() < 0.45:
                    steps.append(self._inner.one(random)())
                steps += self._tick(None)
                meanwhile.append(tuple(steps))
        clock = random.choice((0, 0, 0, 60, -60, 86_400 * 400, -86_400 * 400))
        return Take(self._worker(), self._parts(), clock, tuple(meanwhile))

    def _short_take(self) -> Step:
        return Take(self._worker(), self._parts())

    def _write(self) -> Step:
        random = self._random
        part = random.choice((0.0, 0.3, 0.5, 0.7)) if random.random() < 0.15 else 1.0
        return Write(self._worker(), random.random() < 0.2, part, random.randrange(1000) if part < 1 else 0)

    def _tick(self, step: Step | None) -> list[Step]:
        """Now and then, time passes: most often for a worker that has just taken something."""
        ticks = self._ticks
        worker = step.worker if isinstance(step, Take) else ticks.choice(self._workers)
        return [Tick(worker, ticks.choice(_TICKS))] if ticks.random() < 0.5 else []

    def _acknowledge(self) -> Step:
        return Acknowledge(self._worker())

    def _crash(self) -> Step:
        return Crash(self._worker(), self._worker(), self._random.random() < 0.5, self._back())

    def _move(self) -> Step:
        random = self._random
        return Move(self._partition(), self._worker(), random.random() < 0.5, random.random() < 0.5, self._back())

    def _rewind(self) -> Step:
        return Rewind(self._worker(), self._partition(), self._random.choice((1, 2, 100)))

    def _skip(self) -> Step:
        return Skip(self._worker(), self._partition(), self._random.randint(1, 2))

    def _again(self) -> Step:
        random = self._random
        return Again(random.choice(_SOURCES), random.random(), random.randint(1, 4))

    def _late(self) -> Step:
        random = self._random
        return Late(random.choice((0.4, 1.0, 1.0)), random.randrange(1000))


class _States:
    """Puts what happens to the local state of workers among other steps."""

    def __init__(self, random: Random, workers: int) -> None:
        self._random = random
        self._workers = range(workers)
        self._outer = _Choice(
            {
                self._restore: 80,
                self._fail: 4,
                self._keep: 5,
                self._replace: 4,
                self._backup: 3,
                self._restore_backup: 1,
            }
        )

    def has_state(self) -> bool:
        return self._random.random() < 0.85

    def among(self, steps: Sequence[Step]) -> Iterator[Step]:
        for step in steps:
            while self._random.random() < 0.45:
                yield self._outer.one(self._random)()
            yield self._with_meanwhile(step) if isinstance(step, Take) else step

    def _with_meanwhile(self, take: Take) -> Take:
        """The same, with local state restored and failing while the batch is counted."""
        random = self._random
        meanwhile = list(take.meanwhile)
        while random.random() < 0.4:
            place = random.randrange(4)
            meanwhile += [()] * (place + 1 - len(meanwhile))
            step = self._restore() if random.random() < 0.95 else self._fail()
            meanwhile[place] = (*meanwhile[place], step)
        return structs.replace(take, meanwhile=tuple(meanwhile))

    def _worker(self) -> int:
        return self._random.choice(self._workers)

    def _restore(self) -> Step:
        return Restore(self._worker(), self._random.choice((1, 1, 2, 3, 5, 8, 30)))

    def _fail(self) -> Step:
        return FailState(self._worker())

    def _keep(self) -> Step:
        return KeepState(self._worker())

    def _replace(self) -> Step:
        return ReplaceState(self._worker(), self._worker(), self._random.random() < 0.6)

    def _backup(self) -> Step:
        return Backup()

    def _restore_backup(self) -> Step:
        return RestoreBackup()
