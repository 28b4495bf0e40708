"""The report of procedures or of their fields, and how many procedures are offered and used online."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from schemas.rule_names import RuleName
from streams.reports.report import Freshness, read_freshness
from streams.storage.clickhouse_client import database

By: TypeAlias = Literal["procedure", "field"]
FULL, PARTIAL = ("full", "4"), ("partial", "3")
"""Service levels, each with the older word for it."""
_FIRST, _LAST = date(1970, 1, 1), date(2149, 6, 6)
_COUNTS = ("received", "received_online", "resolved", "resolved_on_time", "judged", "on_time", "open", "overdue")
_COLUMNS = (
    *("field", "procedure", "name_vi", "name_en", "service_level", "is_declared", "is_current"),
    *(*_COUNTS, "median_days", "p90_days"),
)


class Services(Struct, frozen=True):
    """How many procedures are declared today, offered online in full or in part, and were used by anyone or online.

    A procedure was used if a dossier of it was received in the span of the report. `used` and `used_online` are of all
    procedures, `online_used` and `online_used_online` of those that are offered online.
    """

    procedures: int
    online: int
    full: int
    partial: int
    used: int
    used_online: int
    online_used: int
    online_used_online: int


class ProcedureReport(Struct, frozen=True):
    """Figures of each procedure or field; medians and P90 are of days from reception to result."""

    as_of: datetime
    rules: str
    leading_rule: RuleName
    by: By
    rows: list[dict[str, Any]]
    services: Services
    freshness: Freshness


def procedure_report(
    clickhouse: ClickHouseConnection,
    profile: Profile,
    by: By = "procedure",
    first: date | None = None,
    last: date | None = None,
) -> ProcedureReport:
    """The report of what was received and resolved from one local day to another, both included.

    Open and overdue are as of now. Raises Unreachable or NotMigrated.
    """
    sql = f"SELECT is_field, {', '.join(_COLUMNS)} FROM procedure_figures(since = %(first)s, until = %(last)s)"  # noqa: S608  # our names
    with database(clickhouse) as client:
        found = client.execute(sql, {"first": first or _FIRST, "last": last or _LAST})
        fresh = read_freshness(client)
    of_fields = [_row(values) for is_field, *values in found if is_field]
    of_procedures = [_row(values) for is_field, *values in found if not is_field]
    if by == "field":
        keys = ("field", *_COUNTS, "on_time_rate", "median_days", "p90_days")
        rows = [
            {key: row[key] for key in keys} | {"services": services(of_procedures, row["field"])} for row in of_fields
        ]
    else:
        rows = of_procedures
    rows.sort(key=lambda row: (-row["received"], row["field"], row.get("procedure", "")))
    return ProcedureReport(datetime.now(UTC), profile.rules, profile.leading, by, rows, services(of_procedures), fresh)


def services(procedures: Iterable[Mapping[str, Any]], field: str | None = None) -> Services:
    """The table of online services of all procedures that are declared today, or of those of a field."""
    current = [row for row in procedures if row["is_current"] and field in (None, row["field"])]
    online = [row for row in current if row["service_level"] in (*FULL, *PARTIAL)]
    full = sum(row["service_level"] in FULL for row in online)
    uses = (sum(row[key] > 0 for row in rows) for rows in (current, online) for key in ("received", "received_online"))
    return Services(len(current), len(online), full, len(online) - full, *uses)


def _row(values: Iterable[Any]) -> dict[str, Any]:
    row = dict(zip(_COLUMNS, values, strict=True))
    rate = row["on_time"] / row["judged"] if row["judged"] else None
    return {key: int(value) if key in _COUNTS else value for key, value in row.items()} | {"on_time_rate": rate}
