"""Keeps counting up with the loads that decide: what is pinned is read now and then, before a batch is counted."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime
from typing import TypeVar

from clickhouse_driver import Client

from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from schemas.tables import RULING_LOADS
from streams.on_time.ruling import Ruling
from streams.reference.ruling_changes import adopt, touched_cases
from streams.reference.ruling_loading import ruling_of
from streams.reference.ruling_pins import Loads, Pin, held, newest
from streams.storage.backoff import Backoff
from streams.storage.clickhouse_client import DRIVER_ERRORS, brief, connect, explain, is_transient
from streams.worker.telemetry import Telemetry

log = logging.getLogger(__name__)

READ_SECONDS = 5.0
"""How old what is known of pins may be when a batch is counted: so long, too, a load takes to decide everywhere."""
T = TypeVar("T")


class RulingWatch:
    """The ruling of an epoch, kept up to date: `first` gives it, and each call a newer one where there is any.

    What is pinned is read before the first batch of a local day, too: loads may change what holds from that day on.
    Newer loads that nobody has pinned – the command that loaded them was killed – are adopted by the rule that this
    command has. Waits for a database that is away, as all that counting reads does.
    """

    def __init__(
        self,
        connection: ClickHouseConnection,
        profile: Profile,
        epoch: int,
        telemetry: Telemetry | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._client = connect(connection)
        self._profile = profile
        self._epoch = epoch
        self._telemetry = telemetry
        self._now = now
        self._clock = clock
        self._pin = Pin(epoch)
        self._weighed: tuple[Pin, Loads, date] | None = None
        self._day = date.min
        self._read_at = float("-inf")

    def first(self) -> Ruling:
        """The ruling with which counting begins; raises Unreachable or NotMigrated."""
        self._note_read()
        try:
            self._pin = adopt(self._client, self._profile, self._epoch, self._now()).pin
            return ruling_of(self._client, self._profile, self._pin)
        except DRIVER_ERRORS as error:
            raise explain(error, self._connection) from error

    def __call__(self, settle: Callable[[], None]) -> Ruling | None:
        """Another ruling, by which all later batches are to be counted; None where it is the same.

        `settle` returns when everything that was counted is written.
        """
        if self._clock() - self._read_at < READ_SECONDS and self._today() == self._day:
            return None
        found, loads = self._patiently(lambda client: (held(client, self._epoch), newest(client)))
        weighed = found, loads, self._today()
        self._note_read()
        if loads != found.loads and weighed != self._weighed:
            settle()
            found = self._patiently(lambda client: adopt(client, self._profile, self._epoch, self._now()).pin)
            self._weighed = found, loads, self._day
        if found == self._pin:
            return None
        settle()
        return self._patiently(lambda client: self._take(client, found))

    def close(self) -> None:
        """Close its connection."""
        self._client.disconnect()

    def _take(self, client: Client, found: Pin) -> Ruling:
        ruling = ruling_of(client, self._profile, found)
        # Counted while the loads were being pinned: seconds, in which hardly anything depends on what they change.
        touched = touched_cases(client, self._profile, self._pin, found, self._now())
        if touched.cases:
            log.error(
                "%d dossiers were counted by the former loads while others were pinned, such as %s: `dossier rebuild` "
                "counts them by these",
                touched.cases,
                ", ".join(touched.some[:3]),
            )
        self._pin = found
        log.info("other loads decide terms", extra={"loads": str(found.loads)})
        return ruling

    def _note_read(self) -> None:
        self._read_at, self._day = self._clock(), self._today()

    def _today(self) -> date:
        return self._now().astimezone(self._profile.zone).date()

    def _patiently(self, read: Callable[[Client], T]) -> T:
        backoff = Backoff()
        with self._operation():
            while True:
                try:
                    return read(self._client)
                except DRIVER_ERRORS as error:
                    if not is_transient(error):
                        raise explain(error, self._connection) from error
                    self._client.disconnect()
                    backoff.failed()
                    if self._telemetry:
                        self._telemetry.operation_retried(brief(error))
                    if backoff.is_logged:
                        log.warning("the loads that decide cannot be read: %s", brief(error))
                    time.sleep(backoff.seconds)

    def _operation(self) -> AbstractContextManager[None]:
        return self._telemetry.operation("read", RULING_LOADS.name) if self._telemetry else nullcontext()
