"""Measures when counts appear in ClickHouse, by polling it from outside."""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from schemas.connection import ClickHouseConnection
from schemas.topics import EVENTS
from streams.storage.clickhouse_client import connect

POLL_SECONDS = 0.02
"""Pause between two polls: a measured delay is too long by up to this and one query, never too short."""

Layer: TypeAlias = Literal["windows", "all"]
"""What is polled: how far windows are written, or everything; progress is written last and implies all."""
_SQL = """
SELECT 'windows', partition, max(pos) FROM windows GROUP BY partition
UNION ALL SELECT 'all', partition, max(pos) FROM progress WHERE topic = %(topic)s GROUP BY partition
"""


class Observation(NamedTuple):
    """When a partition was observed to be counted up to a position; seconds of the monotonic clock."""

    at: float
    pos: int


class FreshnessProbe(threading.Thread):
    """Polls how far each partition is counted, until it is stopped."""

    def __init__(self, clickhouse: ClickHouseConnection) -> None:
        super().__init__(name="freshness-probe", daemon=True)
        self.observations: dict[Layer, dict[int, list[Observation]]] = {"windows": {}, "all": {}}
        self._polls: list[float] = []
        self._client = connect(clickhouse)
        self._stopped = threading.Event()

    def run(self) -> None:
        """Poll."""
        while not self._stopped.wait(POLL_SECONDS):
            found, at = self._client.execute(_SQL, {"topic": EVENTS}), time.monotonic()
            self._polls.append(at)
            for layer, partition, pos in found:
                observed = self.observations[layer].setdefault(partition, [])
                if not observed or observed[-1].pos < pos:
                    observed.append(Observation(at, pos))

    def stop(self) -> None:
        """Stop polling."""
        self._stopped.set()
        self.join()
        self._client.disconnect()

    def first_after(self, at: float) -> float:
        """When everything of something was written for the first time after this instant; waits for it."""
        while True:
            later = [last.at for each in list(self.observations["all"].values()) for last in each[-1:] if last.at > at]
            if later:
                return min(later)
            time.sleep(POLL_SECONDS)

    def error(self) -> float:
        """The 99th percentile of the seconds between two polls: a measured delay may be too long by as much."""
        return percentile(sorted(later - sooner for sooner, later in pairwise(self._polls)), 0.99)


def percentile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that this share of all values does not exceed."""
    return ascending[max(0, -int(-len(ascending) * share // 1) - 1)]


def delays(
    called: Mapping[str, float],
    places: Iterable[tuple[str, int, int]],
    observations: Mapping[int, Sequence[Observation]],
) -> list[float]:
    """Seconds from each call until its event was observed to be counted, ascending.

    `places` are (event id, partition, position); the observations of a partition are ascending. Raises IndexError for
    an event that was never observed to be counted.
    """
    found = []
    for event, partition, pos in places:
        observed = observations[partition]
        found.append(observed[bisect_left(observed, pos, key=lambda each: each.pos)].at - called[event])
    return sorted(found)
