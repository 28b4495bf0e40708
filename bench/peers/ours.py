"""The real thing: a worker and ClickHouse, from the topic of envelopes to raw events, facts, windows and progress."""

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version

from bench import topics
from bench.dataset import Cell, Line, envelopes
from bench.deployment import Deployment
from bench.peers.throughput import Pace, Used
from bench.process_usage import Usage
from chaos.oracle.expected_rows import expected
from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.envelope import decode_event
from schemas.topics import EVENTS
from streams.storage.clickhouse_client import connect
from streams.storage.counting_progress import Lag, wait_until_counted

NAME = "ours"
VERSION = f"faust-streaming {version('faust-streaming')}, chdb-core {version('chdb-core')}"


def publish(deployment: Deployment, data: Sequence[Line]) -> None:
    """Put the data set on its topic, in envelopes."""
    topics.publish(deployment.kafka, EVENTS, envelopes(data, topics.PARTITIONS))


def count(deployment: Deployment, events: int) -> Pace:
    """Let one worker count everything; what waits on the topic is so many events."""

    def used() -> Used:
        spent = deployment.used()
        # They are needed together, so their memory adds up.
        together = Usage(
            spent.worker.cpu_seconds + spent.clickhouse.cpu_seconds, spent.worker.peak_mb + spent.clickhouse.peak_mb
        )
        return Used(spent.seconds, together, spent.kafka)

    pace = Pace(events, used)
    deployment.start_workers(1)
    pace.observe(0)
    wait_until_counted(deployment.kafka, deployment.clickhouse, lambda lag: _observe(pace, lag))
    pace.observe(events)
    return pace


def count_killed(deployment: Deployment) -> None:
    """Let one worker count, kill it half way, and let it start again and count the rest."""
    deployment.start_workers(1)
    is_killed = False

    def kill_once(lag: Lag) -> None:
        nonlocal is_killed
        if not is_killed and lag.counted * 2 >= lag.total:
            deployment.kill_worker()
            deployment.start_workers(1)
            is_killed = True

    wait_until_counted(deployment.kafka, deployment.clickhouse, kill_once)


def counted(deployment: Deployment) -> Counter[Cell]:
    """What is stored: every counter of every window that is not zero."""
    sums = ", ".join(f"sum({counter})" for counter in COUNTERS)
    query = f"SELECT agency, toUnixTimestamp(window), {sums} FROM windows FINAL GROUP BY ALL"  # noqa: S608 - constants
    with connect(deployment.clickhouse) as client:
        return Counter(
            {
                (agency, window, counter): amount
                for agency, window, *amounts in client.execute(query)
                for counter, amount in zip(COUNTERS, amounts, strict=True)
                if amount
            }
        )


def truth(data: Sequence[Line]) -> Counter[Cell]:
    """What the oracle says that these events must lead to."""
    profile = Profile()
    events = (decode_event(line.content) for line in data)
    found = expected(events, partitions=topics.PARTITIONS, terms=profile.terms, time_zone=profile.time_zone)
    cells: Counter[Cell] = Counter()
    for (agency, window, _), counts in found.windows.items():
        cells.update({(agency, window, counter): amount for counter, amount in counts.items()})
    return cells


def _observe(pace: Pace, lag: Lag) -> None:
    # The last look is the caller's: records are of unequal sizes.
    pace.observe(min(pace.events * lag.counted // lag.total, pace.events - 1))
