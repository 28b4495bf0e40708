"""How fast a run is and what it uses, seen from outside: from its first event to its last."""

from collections.abc import Callable

from msgspec import Struct

from bench.process_usage import Usage

WARM = 0.1
"""CPU seconds are counted after this share of the events, when everything is compiled, connected and cached."""


class Used(Struct, frozen=True):
    """The clock, and what the system and Kafka have used by then."""

    seconds: float
    system: Usage
    kafka: Usage


class Figures(Struct, frozen=True):
    """The figures of a run. CPU seconds are per million events; Kafka's are apart from the system's own."""

    seconds: float
    events_per_second: float
    cpu_seconds_per_million: float
    kafka_cpu_seconds_per_million: float
    peak_mb: float


class Pace:
    """Is told again and again how far counting is; asks `used` when it matters.

    A system that counts in steps so large that it is past half of the events when it is first seen past a tenth of
    them, is measured from the beginning.
    """

    def __init__(self, events: int, used: Callable[[], Used]) -> None:
        self.events = events
        self._used = used
        self._begun: tuple[int, Used] | None = None
        self._warm: tuple[int, Used] | None = None
        self._ended: tuple[int, Used] | None = None
        self._stopped: Used | None = None
        self._written = 0.0

    def observe(self, counted: int, *, begun: bool = True) -> bool:
        """So many events are counted now; returns whether that is all."""
        if not begun:
            return False
        now = (counted, self._used()) if self._matters(counted) else None
        self._begun = self._begun or now
        if counted >= self.events * WARM:
            self._warm = self._warm or now
        if counted >= self.events:
            self._ended = self._ended or now
        return self._ended is not None

    def stopped(self) -> None:
        """The system has stopped, and so written what it still held: that too is its work."""
        self._stopped = self._used()

    def written(self, at: float) -> None:
        """The last count was written then, by the clock of `used`: only now it is over, if that is later."""
        self._written = at

    def _matters(self, counted: int) -> bool:
        is_warm = self._warm is None and counted >= self.events * WARM
        return self._begun is None or is_warm or counted >= self.events

    def figures(self) -> Figures:
        """The figures; raises ValueError before the end."""
        if not (self._begun and self._warm and self._ended):
            raise ValueError("the run has not ended")
        first, begin = self._begun
        last, end = self._ended
        seconds = max(end.seconds, self._written) - begin.seconds
        since, warm = self._warm if self._warm[0] <= self.events / 2 else self._begun
        millions = (last - since) / 1e6
        done = self._stopped or end
        return Figures(
            seconds=seconds,
            events_per_second=(last - first) / seconds,
            cpu_seconds_per_million=done.system.since(warm.system).cpu_seconds / millions,
            kafka_cpu_seconds_per_million=done.kafka.since(warm.kafka).cpu_seconds / millions,
            peak_mb=done.system.peak_mb,
        )
