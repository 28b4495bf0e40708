"""What decides the counts of an epoch, for those beside counting who ask now and then."""

from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from streams.on_time.ruling import Ruling
from streams.reference.ruling_loading import ruling_of
from streams.reference.ruling_pins import Pin, held
from streams.storage.clickhouse_client import database


class PinnedRuling:
    """Gives the ruling by the loads that are pinned at each call, made anew only where they changed; for one thread.

    A call raises Unreachable or NotMigrated.
    """

    def __init__(self, clickhouse: ClickHouseConnection, profile: Profile, epoch: int) -> None:
        self._clickhouse = clickhouse
        self._profile = profile
        self._epoch = epoch
        self._known: tuple[Pin, Ruling] | None = None

    def __call__(self) -> Ruling:
        """The ruling that holds now."""
        with database(self._clickhouse) as client:
            pin = held(client, self._epoch)
            if self._known is None or self._known[0] != pin:
                self._known = pin, ruling_of(client, self._profile, pin)
        return self._known[1]
