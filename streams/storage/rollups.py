"""Roll-ups: tables that refreshable views fill periodically, filled at once."""

import time
from collections.abc import Iterable

from clickhouse_driver import Client

_POLL_SECONDS = 0.05
_IS_FILLING = (
    "SELECT status FROM system.view_refreshes WHERE database = currentDatabase() AND view = %(view)s "
    "AND status NOT IN ('Scheduled', 'Disabled')"
)


def refresh(client: Client, views: Iterable[str]) -> None:
    """Fill roll-ups now, one after another; raises what the driver does."""
    for view in views:
        client.execute(f"SYSTEM REFRESH VIEW {view}")
        # Waiting by a statement alone would end with a timeout: a large roll-up takes longer than an answer may.
        while client.execute(_IS_FILLING, {"view": view}):
            time.sleep(_POLL_SECONDS)
        client.execute(f"SYSTEM WAIT VIEW {view}")
