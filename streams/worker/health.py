"""Whether a worker is healthy: a pure rule over what it did and what it waits for."""

from msgspec import Struct

from streams.worker.operations_in_progress import DEAD_LETTER_TOPIC, Operation

STALL_SECONDS = 60.0
LOOP_SECONDS = 1.0
"""How often the event loop reports that it turns."""
ENDS_SECONDS = 5.0
"""How often the broker is asked for the end offsets."""
BROKER_AWAY_SECONDS = 3 * ENDS_SECONDS
_SLOW_SECONDS = 5.0
"""An operation that takes longer counts as waiting for its service."""


class Health(Struct, frozen=True):
    """Whether a worker is healthy. `live` is False only where a restart may help, `ready` where nothing is counted."""

    live: bool
    ready: bool
    state: str
    partitions: int = 0
    lag_records: int = 0
    seconds_since_progress: float = 0.0


class Activity(Struct, frozen=True):
    """What the rule needs to know of a worker, at one moment. `loop_seconds` is None before the loop first turned."""

    is_member: bool
    partitions: int
    lag_records: int
    readable_records: int
    is_counting: bool
    seconds_since_progress: float
    loop_seconds: float | None
    broker_seconds: float
    operation: Operation | None = None
    operation_seconds: float = 0.0


def health_of(activity: Activity, stall_seconds: float = STALL_SECONDS) -> Health:
    """The health of a worker; `stall_seconds` without progress are a stall where records wait."""

    def health(live: bool, ready: bool, state: str) -> Health:
        seconds = round(activity.seconds_since_progress, 1)
        return Health(live, ready, state, activity.partitions, activity.lag_records, seconds)

    operation, stalled = activity.operation, activity.seconds_since_progress
    broker_is_away = activity.broker_seconds > BROKER_AWAY_SECONDS
    if activity.loop_seconds is not None and activity.loop_seconds > stall_seconds:
        return health(False, False, f"the event loop has not turned for {activity.loop_seconds:.0f} s")
    if operation is not None and activity.operation_seconds > _SLOW_SECONDS:
        service = "Kafka" if operation.table == DEAD_LETTER_TOPIC else "ClickHouse"
        what = f"{operation.name} of {operation.table}, for {activity.operation_seconds:.0f} s"
        return health(True, False, f"waiting for {service}: {operation.failure or 'no answer yet'} ({what})")
    if (
        operation is None
        and stalled > stall_seconds
        and activity.is_member
        and (activity.is_counting or not broker_is_away)
    ):
        # It waits for no service and makes no progress: a restart helps.
        return health(
            False, False, f"stalled: {activity.lag_records} records wait, and none was counted for {stalled:.0f} s"
        )
    if broker_is_away:
        return health(True, False, f"waiting for Kafka: no answer for {activity.broker_seconds:.0f} s")
    if not activity.is_member:
        return health(True, False, "not a member of the group yet")
    if activity.lag_records and not activity.readable_records and not activity.is_counting:
        waiting = f"up to {activity.lag_records} records are behind it"
        return health(True, True, f"waiting for an open transaction to end: {waiting}")
    is_busy = activity.lag_records or activity.is_counting
    return health(True, True, "counting" if is_busy else "idle: everything is counted")
