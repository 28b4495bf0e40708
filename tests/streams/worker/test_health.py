"""The rule of health: what a restart may help, and what it cannot."""

import pytest
from msgspec import structs

from streams.worker.health import Activity, Health, health_of
from streams.worker.operations_in_progress import DEAD_LETTER_TOPIC, Operation

IDLE = Activity(
    is_member=True,
    partitions=2,
    lag_records=0,
    readable_records=0,
    is_counting=False,
    seconds_since_progress=0.0,
    loop_seconds=1.0,
    broker_seconds=1.0,
)
STALLED = structs.replace(IDLE, lag_records=9, readable_records=9, seconds_since_progress=61.0)
READ = Operation("read", "facts", since=0.0)
SEND = Operation("send", DEAD_LETTER_TOPIC, since=0.0, failure="no route")


@pytest.mark.parametrize(
    ("activity", "live", "ready", "state"),
    [
        (IDLE, True, True, "idle: everything is counted"),
        (structs.replace(IDLE, loop_seconds=None), True, True, "idle: everything is counted"),
        (structs.replace(IDLE, is_counting=True), True, True, "counting"),
        (structs.replace(STALLED, seconds_since_progress=60.0), True, True, "counting"),
        (STALLED, False, False, "stalled: 9 records wait, and none was counted for 61 s"),
        (structs.replace(STALLED, is_member=False), True, False, "not a member of the group yet"),
        # No restart brings a service back.
        (
            structs.replace(STALLED, operation=READ, operation_seconds=61.0),
            True,
            False,
            "waiting for ClickHouse: no answer yet (read of facts, for 61 s)",
        ),
        (
            structs.replace(STALLED, operation=SEND, operation_seconds=6.0),
            True,
            False,
            f"waiting for Kafka: no route (send of {DEAD_LETTER_TOPIC}, for 6 s)",
        ),
        (structs.replace(STALLED, operation=READ, operation_seconds=5.0), True, True, "counting"),
        (structs.replace(STALLED, broker_seconds=16.0), True, False, "waiting for Kafka: no answer for 16 s"),
        # A batch in progress needs no broker to make progress.
        (
            structs.replace(STALLED, broker_seconds=16.0, is_counting=True),
            False,
            False,
            "stalled: 9 records wait, and none was counted for 61 s",
        ),
        (
            structs.replace(STALLED, readable_records=0, seconds_since_progress=0.0),
            True,
            True,
            "waiting for an open transaction to end: up to 9 records are behind it",
        ),
        (structs.replace(IDLE, loop_seconds=61.0), False, False, "the event loop has not turned for 61 s"),
    ],
)
def test_health_follows_from_what_a_worker_waits_for(activity: Activity, live: bool, ready: bool, state: str) -> None:
    seconds = activity.seconds_since_progress
    assert health_of(activity, 60.0) == Health(live, ready, state, 2, activity.lag_records, seconds)
