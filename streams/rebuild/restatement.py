"""The record of what a rebuild did to figures that had been shown: who, when, why, and each month that moved.

It is made while both counts exist: the serving tables, and the rebuilt ones that will replace them. A rebuild that was
stopped makes it anew, until the exchange has begun.
"""

from datetime import UTC, datetime

from clickhouse_driver import Client
from msgspec import Struct, structs

from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.instant import to_micros
from schemas.tables import FACTS, RESTATED_FIGURES, RESTATEMENTS
from schemas.topics import EVENTS
from streams.errors import NeedsReason
from streams.queries import figures, query
from streams.rebuild import tables
from streams.reference.ruling_pins import held, newest
from streams.storage.clickhouse_client import insert
from streams.storage.epochs import Entry

_COUNTED_SINCE_3 = (
    *("resolved_on_time_by_instant", "resolved_on_time_by_date", "judged_by_766", "on_time_by_766"),
    *("form_early", "form_on_time"),
)
"""Counters that counts of rules before version 3 lack; facts of before lack verdicts, too. None of it was shown."""


class Restatement(Struct, frozen=True):
    """A row of `restatements`."""

    topic: str
    epoch: int
    from_epoch: int
    restated_at: datetime
    restated_by: str
    why: str
    rules_before: str
    rules_after: str
    loads_before: str
    loads_after: str


def begin(client: Client, serving: Entry, entry: Entry, why: str, by: str, *, is_resumed: bool) -> None:
    """Keep why a rebuild restates, so that resuming it needs no reason again; raises what the driver does.

    Raises NeedsReason where other rules or loads decide than before and nobody has said why.
    """
    before = stored(client, entry.epoch) if is_resumed else None
    if before is not None and not why:
        why, by = before.why, before.restated_by
    if not why and (changed := _changes(client, serving, entry)):
        raise NeedsReason(
            f"this rebuild changes what decides figures that were shown ({changed}): say why with "
            '`dossier rebuild --why "…"`; it is kept with the figures that move. `dossier rules compare` previews them'
        )
    _write(client, serving, entry, why, by)


def finish(client: Client, serving: Entry, entry: Entry, profile: Profile) -> int:
    """Write which figures move, in place of what a former run wrote; returns how many. Raises what the driver does.

    `client` has to wait for as long as it takes: a city has figures of many months.
    """
    # The epoch is a partition of its own, so this leaves nothing of a former run, and is done at once.
    client.execute(f"ALTER TABLE {RESTATED_FIGURES.name} DROP PARTITION {entry.epoch:d}")
    parameters = {"topic": EVENTS, "epoch": entry.epoch, "now": to_micros(datetime.now(UTC))}
    for select in _selects(serving, profile):
        client.execute(
            f"INSERT INTO {RESTATED_FIGURES.name} ({', '.join(RESTATED_FIGURES.columns)}) {select}", parameters
        )
    said = stored(client, entry.epoch)
    _write(client, serving, entry, said.why if said else "", said.restated_by if said else "")
    count = f"SELECT count() FROM {RESTATED_FIGURES.name} FINAL WHERE topic = %(topic)s AND epoch = %(epoch)s"  # noqa: S608  # our name
    ((moved,),) = client.execute(count, parameters)
    return int(moved)


def stored(client: Client, epoch: int) -> Restatement | None:
    """The record of the rebuild to this epoch; raises what the driver does."""
    columns = ", ".join(RESTATEMENTS.columns)
    rows = client.execute(
        f"SELECT {columns} FROM restatements FINAL WHERE topic = %(topic)s AND epoch = %(epoch)s",  # noqa: S608  # ours
        {"topic": EVENTS, "epoch": epoch},
    )
    return Restatement(*rows[0]) if rows else None


def _changes(client: Client, serving: Entry, entry: Entry) -> str:
    was, will = held(client, serving.epoch).loads, newest(client)
    pairs = (serving.origin.rules, entry.origin.rules), (str(was), str(will))
    return "; ".join(f"{before} -> {after}" for before, after in pairs if before != after)


def _selects(serving: Entry, profile: Profile) -> list[str]:
    had_verdicts = not serving.origin.rules.startswith(("v1 ", "v2 "))
    counters = [name for name in COUNTERS if had_verdicts or name not in _COUNTED_SINCE_3]
    selects = [query("restated_counters", profile, counters=figures(counters, "sum({})"))]
    if had_verdicts:
        before, after = (
            query("standings_by_month", profile, facts=name) for name in (FACTS.name, tables.rebuilt_name(FACTS))
        )
        selects.append(query("restated_standings", profile, standings_before=before, standings_after=after))
    return selects


def _write(client: Client, serving: Entry, entry: Entry, why: str, by: str) -> None:
    after = held(client, entry.epoch)
    row = Restatement(
        topic=EVENTS,
        epoch=entry.epoch,
        from_epoch=serving.epoch,
        restated_at=datetime.now(UTC),
        restated_by=by,
        why=why,
        rules_before=serving.origin.rules,
        rules_after=entry.origin.rules,
        loads_before=str(held(client, serving.epoch).loads),
        loads_after=str(after.loads if after.pinned_at else newest(client)),
    )
    insert(client, RESTATEMENTS, [structs.asdict(row)])
