"""When counts appear in ClickHouse, seen from outside."""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from schemas.connection import ClickHouseConnection
from schemas.topics import EVENTS
from streams.storage.clickhouse import connect

POLL_SECONDS = 0.01
"""Between the end of a look and the next: a delay is up to this and one query too long, never too short."""


class Sighting(NamedTuple):
    """When it was seen that a partition is counted up to an offset; seconds of the monotonic clock."""

    at: float
    offset: int


class Watch(threading.Thread):
    """Looks how far each partition is counted, again and again, until it is stopped."""

    def __init__(self, clickhouse: ClickHouseConnection) -> None:
        super().__init__(name="watch", daemon=True)
        self.sightings: dict[int, list[Sighting]] = {}
        self._looks: list[float] = []
        self._client = connect(clickhouse)
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look."""
        # Progress is written last: what it tells of is in windows, facts and events.
        sql = "SELECT partition, max(offset) FROM progress WHERE topic = %(topic)s GROUP BY partition"
        while not self._stopped.wait(POLL_SECONDS):
            found, at = self._client.execute(sql, {"topic": EVENTS}), time.monotonic()
            self._looks.append(at)
            for partition, offset in found:
                seen = self.sightings.setdefault(partition, [])
                if not seen or seen[-1].offset < offset:
                    seen.append(Sighting(at, offset))

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self.join()
        self._client.disconnect()

    def first_after(self, at: float) -> float:
        """When something was counted for the first time after this instant; waits for it."""
        while True:
            later = [seen.at for each in list(self.sightings.values()) for seen in each[-1:] if seen.at > at]
            if later:
                return min(later)
            time.sleep(POLL_SECONDS)

    def error(self) -> float:
        """The seconds that lay between two looks, at most, 99 times of 100: by so much a delay may be too long."""
        return percentile(sorted(later - sooner for sooner, later in pairwise(self._looks)), 0.99)


def percentile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that this share of all values does not exceed."""
    return ascending[max(0, -int(-len(ascending) * share // 1) - 1)]


def delays(
    called: Mapping[str, float], places: Iterable[tuple[str, int, int]], sightings: Mapping[int, Sequence[Sighting]]
) -> list[float]:
    """Seconds from each call until its event was seen counted, ascending.

    `places` are (event id, partition, offset); the sightings of a partition are ascending. Raises IndexError for an
    event that was never seen counted.
    """
    found = []
    for event, partition, offset in places:
        seen = sightings[partition]
        found.append(seen[bisect_left(seen, offset, key=lambda sighting: sighting.offset)].at - called[event])
    return sorted(found)
