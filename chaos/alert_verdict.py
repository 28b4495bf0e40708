"""The verdict on alerts: checks every published alert against the rules of raising them, by code of its own."""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime

from schemas.alerts import DEFAULT_LEVELS, Alert, parse_levels
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import Profile
from streams.alerts.log import AlertLog
from streams.alerts.scanner import OverdueScanner
from streams.alerts.topic import read_alerts
from streams.errors import Superseded
from streams.on_time.ruling import built_in_ruling
from streams.storage.clickhouse_client import database

_SHOWN = 5
_TAKEN_BACK = 5


def alert_trouble(kafka: KafkaConnection, clickhouse: ClickHouseConnection, profile: Profile) -> str:
    """What is wrong with the alerts of a deployment in which everything is counted; empty where nothing is.

    It takes the alert log over from the workers and checks once more, so that every due alert has been raised.
    """
    for _ in range(_TAKEN_BACK):
        # A worker that failed reopens the log by itself, perhaps right now.
        with suppress(Superseded):
            _check(kafka, clickhouse, profile)
            break
    else:
        return f"the log of alerts was taken back {_TAKEN_BACK} times"
    alerts = [alert for _, alert in read_alerts(kafka, 0)]
    with database(clickhouse) as client:
        stored = client.execute("SELECT seq, dossier, state, level FROM dossier_alerts FINAL ORDER BY seq")
        overdue = {dossier for (dossier,) in client.execute("SELECT dossier FROM overdue_dossiers")}
    troubles = [*wrong_in(alerts)]
    if stored != [(alert.seq, alert.dossier, alert.state, alert.level) for alert in alerts]:
        troubles.append(f"{len(alerts)} alerts are on the topic, and the table has {len(stored)} or others")
    last = {alert.dossier: alert for alert in alerts}
    standing = {name for name, alert in last.items() if alert.state == "raised" and alert.level.startswith("overdue")}
    if standing != overdue:
        troubles.append(f"overdue and not alerted, or the other way round: {sorted(standing ^ overdue)[:_SHOWN]}")
    return "; ".join(troubles[:_SHOWN])


def _check(kafka: KafkaConnection, clickhouse: ClickHouseConnection, profile: Profile) -> None:
    ruling = built_in_ruling(profile.time_zone)
    scanner = OverdueScanner(kafka, clickhouse, profile, parse_levels(DEFAULT_LEVELS), lambda: ruling)
    with closing(scanner), closing(AlertLog(kafka, clickhouse)) as log:
        scanner.scan(log, datetime.now(UTC))  # the first one sees none
        while scanner.scan(log, datetime.now(UTC)).alerts:
            pass  # one scan raises a limited number of alerts, so a deployment may need several


def wrong_in(alerts: Sequence[Alert]) -> Iterator[str]:
    """Gaps in the numbers, alerts that were raised twice, and alerts that were cleared without having been raised."""
    order = [level.name for level in parse_levels(DEFAULT_LEVELS)]
    stands: dict[str, Alert] = {}
    for number, alert in enumerate(alerts, 1):
        if alert.seq != number:
            yield f"alert {number} has the number {alert.seq}"
            return
        before = stands.get(alert.dossier)
        if alert.state == "cleared":
            if before is None or (before.level, before.deadline) != (alert.level, alert.deadline):
                yield f"alert {number} clears what does not stand"
            stands.pop(alert.dossier, None)
            continue
        if before is not None and order.index(before.level) >= order.index(alert.level):
            yield f"alert {number} raises {alert.level} of {alert.dossier}, of which {before.level} stands"
        stands[alert.dossier] = alert
