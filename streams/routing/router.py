"""Runs sessions one after another: where a service fails, the next session goes on behind the last commit."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing

from schemas.connection import ClickHouseConnection
from schemas.dead_letter import DeadLetter
from schemas.tables import DEAD_LETTERS
from streams.counting.rows import dead_row
from streams.dead_letters.topic import log_letters
from streams.errors import Unreachable
from streams.routing.session import Session
from streams.routing.telemetry import RouterTelemetry
from streams.storage.clickhouse_client import chunks, database, insert

log = logging.getLogger(__name__)

POLL_MILLISECONDS = 500
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_ROWS = 1_000


def route(
    open_session: Callable[[], Session],
    stopping: Callable[[], bool],
    telemetry: RouterTelemetry,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Route until `stopping`: a batch that has begun is finished first.

    While a service is away nothing is read, and the records wait in their topic. Raises Superseded, LostEvents,
    Unreadable, and NotMigrated: what time does not mend.
    """
    pause = _FIRST_PAUSE
    while not stopping():
        try:
            with closing(open_session()) as session:
                while not stopping():
                    batch = session.step(POLL_MILLISECONDS)
                    telemetry.turned(batch, session.lag())
                    pause = _FIRST_PAUSE
        except Unreachable as error:
            log.warning("a service failed, what was not committed is routed again: %s", error)
            telemetry.failed(str(error))
            wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def into_clickhouse(clickhouse: ClickHouseConnection) -> Callable[[Sequence[DeadLetter]], None]:
    """Stores dead letters in their table; raises Unreachable or NotMigrated."""

    def put_aside(letters: Sequence[DeadLetter]) -> None:
        log_letters(letters)
        with database(clickhouse) as client:
            for some in chunks(letters, _ROWS):
                insert(client, DEAD_LETTERS, [dead_row(letter) for letter in some])

    return put_aside
