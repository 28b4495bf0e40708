"""Roll-ups against their sources, and whether their refreshes run."""

import time
from collections.abc import Callable, Iterator

from clickhouse_driver import Client
from clickhouse_driver.errors import ErrorCodes, ServerException

from schemas.deployment_profile import Profile
from schemas.tables import REFRESHES
from streams.audit.agency_rollups import AGENCY_ROLLUPS, agency_rollup_findings
from streams.audit.findings import Finding
from streams.audit.lasting import lasting
from streams.queries import figures, query
from streams.storage.clickhouse_client import ACCESS_DENIED
from streams.storage.rollups import refresh

_NOT_ALLOWED = {ErrorCodes.READONLY, ACCESS_DENIED}
_FAILED = 730
"""REFRESH_FAILED."""
_FIGURES = (
    "received",
    "received_online",
    "fee_bearing",
    "fee_paid_online",
    "resolved",
    "resolved_on_time",
    "ended",
    "components",
    "components_digitised",
    "rated",
    "satisfied",
    "feedback_answered",
    "feedback_on_time",
    "on_time",
    "judged",
)
_CITY = ("refresh_city_past", "refresh_city_waiting")


def rollup_findings(client: Client, profile: Profile, pause: Callable[[float], None] = time.sleep) -> Iterator[Finding]:
    """Roll-ups that are not refreshed, and figures that stay wrong after a refresh; raises what the driver does.

    A roll-up is behind its source by design. So it is refreshed first, and a figure is wrong if it differs by the same
    amount at each of several checks: events between refresh and check change it by another amount each time. A user
    who must not refresh roll-ups gets no findings.
    """
    try:
        found = dict(_unfilled(client))
        yield from found.values()
        if not set(_CITY) & found.keys():
            yield from _wrong(client, profile, pause)
        if not set(AGENCY_ROLLUPS) & found.keys():
            yield from agency_rollup_findings(client, profile, pause)
    except ServerException as error:
        if error.code == _FAILED:
            yield Finding("rollups", "refresh", " ".join(str(error).split())[:200], "fills its table again and again")
        elif error.code not in _NOT_ALLOWED:
            raise


def _wrong(client: Client, profile: Profile, pause: Callable[[float], None]) -> Iterator[Finding]:
    for place, (is_, should) in lasting(lambda: _differing(client, profile), pause).items():
        yield Finding("rollups", " ".join(place), str(is_), str(should))


def _unfilled(client: Client) -> Iterator[tuple[str, Finding]]:
    sql = "SELECT view, toString(status), exception FROM system.view_refreshes WHERE database = currentDatabase()"
    there = {view: (status, exception) for view, status, exception in client.execute(sql)}
    for view in REFRESHES:
        status, exception = there.get(view, ("missing", ""))
        if exception:
            exception = _failure(client, view, exception)
        if exception or status in ("missing", "Disabled"):
            is_ = exception[:200] or f"is {status.lower()}"
            yield view, Finding("rollups", view, is_, "fills its table again and again")


def _failure(client: Client, view: str, former: str) -> str:
    """What goes wrong when the roll-up is filled once more: what failed before may have passed, as a full disk does."""
    try:
        refresh(client, (view,))
    except ServerException as error:
        if error.code == _FAILED:
            return " ".join(str(error).split())
        if error.code not in _NOT_ALLOWED:
            raise
        return former
    return ""


def _differing(client: Client, profile: Profile) -> dict[tuple[str, ...], tuple[int, int]]:
    refresh(client, _CITY)
    rows = client.execute(
        query("audit_rollups", profile, stored=figures(_FIGURES), summed=figures(_FIGURES, "sum({})"))
    )
    return {(place, figure): (is_, should) for place, figure, is_, should in rows}
