"""The regression gate: the cost of counting as a multiple of the floor, which is measured in the same run.

It judges CPU seconds, not time, and a ratio, not a figure of some machine: a slow or busy one has the same.
"""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from bench.peers import ours
from bench.peers.comparison import Contest
from bench.peers.installation import Installation
from bench.peers.systems import FLOOR

BOUND = 40.0
"""At most so many times the floor.

Counting into ClickHouse with facts, windows and raw events costs 12 to 17 times what it costs to count in a dict and
keep nothing. CI machines differ in how fast their memory is beside their cores, which such a ratio does not cancel.
"""
EVENTS = 200_000


class Cost(Struct, frozen=True):
    """CPU seconds per million events, of worker, ClickHouse and Kafka together and of the floor; and what was wrong."""

    counting: float
    floor: float
    wrong: int

    @property
    def ratio(self) -> float:
        """How many times the floor counting costs."""
        return self.counting / self.floor


def measure(folder: Path, on_step: Callable[[str], None], *, seed: int = 1, events: int = EVENTS) -> Cost:
    """Count the same events both ways; `folder` is empty and keeps what was made."""
    with Contest(folder, Installation(folder), seed, events, on_step) as contest:
        counted, floor = (contest.row(name, kill=False) for name in (ours.NAME, FLOOR))
    return Cost(
        (counted.cpu_seconds_per_million or 0.0) + (counted.kafka_cpu_seconds_per_million or 0.0),
        floor.cpu_seconds_per_million or 0.0,
        (counted.wrong or 0) + (floor.wrong or 0),
    )
