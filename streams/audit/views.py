"""Views against the tables beneath them: their definitions, and the figures that people read in them."""

import time
from collections.abc import Callable

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from schemas.ddl import views
from schemas.deployment_profile import Profile
from streams.audit.findings import Finding
from streams.audit.lasting import CHECKS, PAUSE_SECONDS
from streams.queries import figures, query
from streams.storage.epochs import read_history
from streams.storage.schema_comparison import Views

_SUMMED = (
    "received",
    "received_online",
    "resolved",
    "resolved_on_time",
    "withdrawn",
    "refused",
    "stopped",
    "fee_paid_online",
    "paid_amount",
    "components_digitised",
    "satisfied",
    "feedback_answered",
    "feedback_on_time",
    "resolved_on_time_by_instant",
    "resolved_on_time_by_date",
    "judged_by_766",
    "on_time_by_766",
    "form_early",
    "form_on_time",
)


def view_findings(client: Client, profile: Profile, pause: Callable[[float], None] = time.sleep) -> list[Finding]:
    """Views that differ from their declaration or from the tables by these rules; raises what the driver does.

    Table and view are read a moment apart, so while workers count, a figure may differ at one check. Only a figure that
    differs at each of several checks is a finding.
    """
    found: list[Finding] = []
    if serving := read_history(client).serving:
        # Views go by the rules of the stored counts, until a rebuild changes both.
        scripts = views(profile.counted_by(serving.origin.rules))
        existing = Views(client, scripts)
        found = [
            Finding("views", script.name.removesuffix(".sql"), why, "as declared")
            for script in scripts
            if (why := existing.difference(script))
        ]
    try:
        differing = _figures(client, profile)
    except ServerException:
        if not found:
            raise
        # A view is missing or lacks a column, which is a finding already: its figures can be checked after a repair.
        differing = {}
    for _ in range(CHECKS - 1):
        if not differing:
            break
        pause(PAUSE_SECONDS)
        differing = {place: values for place, values in _figures(client, profile).items() if place in differing}
    return found + [Finding("views", " ".join(place), *map(str, values)) for place, values in differing.items()]


def _figures(client: Client, profile: Profile) -> dict[tuple[str, str], tuple[int, int]]:
    rows = client.execute(query("audit_views", profile, summed=figures(_SUMMED, "sum({})")))
    return {(place, figure): (is_, should) for place, figure, is_, should in rows}
