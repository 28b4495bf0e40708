"""What decided figures over time: epochs with their rules, loads that were pinned, and what each restatement moved."""

from datetime import date, datetime

from clickhouse_driver import Client
from msgspec import Struct

from schemas.topics import EVENTS
from streams.queries import query


class RuleEpoch(Struct, frozen=True):
    """The rules of an epoch, since when it serves, and why figures were restated for it."""

    epoch: int
    rules: str
    state: str
    changed_at: datetime
    restated_by: str
    why: str
    loads: str
    figures: int


class PinnedLoads(Struct, frozen=True):
    """The loads that decide an epoch since an instant; 0 for none."""

    epoch: int
    pinned_at: datetime
    agencies: int
    calendar: int
    procedures: int


class RestatedFigure(Struct, frozen=True):
    """A figure of a month as it was shown, and as it is since. Without a rule it is a counter."""

    epoch: int
    agency: str
    month: date
    rule: str
    figure: str
    before: int
    after: int


class RuleHistory(Struct, frozen=True):
    """Everything, the oldest first; of the restated figures only the first, and how many there are."""

    epochs: list[RuleEpoch]
    pins: list[PinnedLoads]
    figures: list[RestatedFigure]
    total: int


def rule_history(client: Client, agency: str, most: int) -> RuleHistory:
    """The history, with at most so many restated figures of one agency, or of all; raises what the driver does."""
    topic = {"topic": EVENTS}
    epochs = client.execute(query("rule_epochs"), topic)
    pins = client.execute(
        "SELECT epoch, pinned_at, agencies, calendar, procedures FROM ruling_loads WHERE topic = %(topic)s "
        "ORDER BY epoch, pinned_at",
        topic,
    )
    figures = client.execute(
        "SELECT epoch, agency, month, rule, figure, before, after, count() OVER () FROM figure_restatements "
        "WHERE %(agency)s = '' OR agency = %(agency)s ORDER BY epoch, agency, month, rule, figure LIMIT %(most)s",
        {"agency": agency, "most": max(most, 1)},
    )
    return RuleHistory(
        [RuleEpoch(*row) for row in epochs],
        [PinnedLoads(*row) for row in pins],
        [RestatedFigure(*row[:-1]) for row in figures[:most]],
        figures[0][-1] if figures else 0,
    )
