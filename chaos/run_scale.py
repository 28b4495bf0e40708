"""The scale of a run of the harness: how many faults and events each scenario uses."""

from msgspec import Struct


class Scale(Struct, frozen=True):
    """How many faults are injected, and how many events are sent for each."""

    slice: int
    """Events between two faults."""
    hostile: int
    """Events of each kind of hostile input."""
    crashes: int
    """Crashes at each crash point."""
    kills: int
    clickhouse_kills: int
    broker_kills: int
    cuts: int
    zombies: int
    rebalances: int
    transactions: int
    """For each outcome of a transaction."""
    compressed: int
    """Events with each codec, each a record of its own."""
    per_second: int
    """Events a second while audits run."""
    audits: int
    """Audits while workers count and die."""
    outage_seconds: float
    """How long a service hangs or is unreachable."""
    schedules: int
    """Schedules of the simulation."""
    malformed: int
    """Malformed inputs for the decoder, and as many for the embedded server."""


FULL = Scale(
    slice=4000,
    hostile=60_000,
    crashes=5,
    kills=100,
    clickhouse_kills=10,
    broker_kills=5,
    cuts=20,
    zombies=10,
    rebalances=10,
    transactions=10,
    compressed=4000,
    per_second=1200,
    audits=30,
    outage_seconds=60.0,
    schedules=30_000,
    malformed=100_000,
)
SHORT = Scale(
    slice=800,
    hostile=3000,
    crashes=1,
    kills=2,
    clickhouse_kills=1,
    broker_kills=1,
    cuts=2,
    zombies=1,
    rebalances=2,
    transactions=2,
    compressed=200,
    per_second=300,
    audits=2,
    outage_seconds=5.0,
    schedules=1000,
    malformed=2000,
)
