"""The report: the figures of each agency and of all, for a span of time."""

from datetime import UTC, datetime
from typing import Any

from clickhouse_driver import Client
from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.instant import EARLIEST, LATEST
from schemas.rule_names import JUDGED, ON_TIME, RuleName
from streams.queries import query
from streams.storage.clickhouse_client import database

FIGURES = (*COUNTERS, "open", "overdue")
LED = ("judged", "on_time")
"""By the leading rule, the dossiers that ended and that it judges, and those of them in time."""
RATES = {
    "online_rate": ("received_online", "received"),
    "on_time_rate": ("on_time", "judged"),
    "online_payment_rate": ("fee_paid_online", "fee_bearing"),
    "digitisation_rate": ("components_digitised", "components"),
    "satisfaction_rate": ("satisfied", "rated"),
    "feedback_on_time_rate": ("feedback_on_time", "feedback_answered"),
}
"""Each rate's numerator and denominator."""


class Freshness(Struct, frozen=True):
    """When the newest event occurred and was published, and when counts were last written; None without any."""

    occurred_at: datetime | None
    published_at: datetime | None
    counted_at: datetime | None


class Report(Struct, frozen=True):
    """Figures and rates by name, per agency (with its name as `agency`) and in total, as of `as_of`.

    What is on time and overdue is by the leading rule, unless its name says another one.
    """

    as_of: datetime
    rules: str
    leading_rule: RuleName
    agencies: list[dict[str, Any]]
    total: dict[str, Any]
    freshness: Freshness


def report(
    clickhouse: ClickHouseConnection, profile: Profile, since: datetime | None = None, until: datetime | None = None
) -> Report:
    """The report of what happened from `since` up to, not including, `until`; open and overdue are as of now.

    Instants must be aware; windows are five minutes long, so a span should begin and end on them. Raises Unreachable or
    NotMigrated.
    """
    span = {"since": since or EARLIEST, "until": until or LATEST}
    with database(clickhouse) as client:
        rows = client.execute(query("report", profile), {key: round(at.timestamp()) for key, at in span.items()})
        fresh = read_freshness(client)
    agencies = [
        {"agency": agency} | with_rates(dict(zip(FIGURES, figures, strict=True)), profile) for agency, *figures in rows
    ]
    total = with_rates({figure: sum(agency[figure] for agency in agencies) for figure in FIGURES}, profile)
    return Report(datetime.now(UTC), profile.rules, profile.leading, agencies, total, fresh)


def stored_events(clickhouse: ClickHouseConnection) -> int:
    """How many different events are stored; raises Unreachable or NotMigrated."""
    with database(clickhouse) as client:
        return int(client.execute("SELECT count() FROM events FINAL")[0][0])


def read_freshness(client: Client) -> Freshness:
    """How recent the counts are; raises what the driver does."""
    (fresh,) = client.execute(
        "SELECT maxOrNull(occurred_at), maxOrNull(published_at), maxOrNull(counted_at) FROM freshness"
    )
    return Freshness(*fresh)


def with_rates(figures: dict[str, int], profile: Profile) -> dict[str, Any]:
    """The figures, those of the leading rule, and rates; a rate without a denominator is None, never 0."""
    of_rule = (JUDGED[profile.leading], ON_TIME[profile.leading])
    figures = figures | {name: sum(figures[each] for each in summed) for name, summed in zip(LED, of_rule, strict=True)}
    rates = {
        name: figures[numerator] / figures[denominator] if figures[denominator] else None
        for name, (numerator, denominator) in RATES.items()
    }
    return figures | rates
