"""Whether other loads would decide cases otherwise that are counted, and their adoption where they would not.

A case depends on the days of its agency's calendar from its reception to the last of its terms, and on what its
procedure promised on the day of its reception. What is compared with a term has happened, so a calendar that differs
only in days to come changes no standing: it changes a case only if one of its terms ends there.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from clickhouse_driver import Client
from msgspec import Struct, structs

from schemas.deployment_profile import Profile
from schemas.instant import EARLIEST, LATEST
from schemas.reference.validity import LAST_DAY, ONE_DAY
from schemas.working_time.calendar_difference import first_difference
from streams.on_time.promised_terms import changed_promises
from streams.queries import query
from streams.reference.kinds import KindName
from streams.reference.ruling_loading import procedures_of, ruling_of
from streams.reference.ruling_pins import DECIDING, Loads, Pin, held, newest, pin
from streams.storage.clickhouse_client import external_table

_AHEAD = timedelta(hours=1)
"""How far clocks may differ: what begins within an hour may have begun elsewhere."""


class Waiting(Struct, frozen=True):
    """A load that does not decide yet, since it would decide so many counted cases otherwise."""

    kind: KindName
    load: int
    cases: int


class Adoption(Struct, frozen=True):
    """The pin that holds, and the newer loads that wait for a rebuild."""

    pin: Pin
    waiting: tuple[Waiting, ...] = ()


def adopt(client: Client, profile: Profile, epoch: int, now: datetime | None = None) -> Adoption:
    """Let the current loads decide the counts of an epoch, each kind that touches no case; raises what the driver does.

    Whoever finds newer loads does it: the command that loaded them, or a worker where that command was killed.
    """
    before = held(client, epoch)
    found = newest(client)
    at = before.later(now or datetime.now(UTC))
    loads, waiting = before.loads, []
    for kind in DECIDING:
        number = getattr(found, kind)
        if number == getattr(loads, kind):
            continue
        tried: Loads = structs.replace(loads, **{kind: number})
        cases = touched_cases(client, profile, before, Pin(epoch, at, tried), at)
        if cases:
            waiting.append(Waiting(kind, number, cases))
        else:
            loads = tried
    if loads == before.loads and before.pinned_at:
        return Adoption(before, tuple(waiting))
    return Adoption(pin(client, before, loads, at), tuple(waiting))


def touched_cases(client: Client, profile: Profile, before: Pin, after: Pin, now: datetime) -> int:
    """At most how many counted cases one pin decides otherwise than another; raises what the driver does."""
    days = list(_changed_days(client, profile, before, after))
    promises = list(_changed_promises(client, profile, before.loads.procedures, after.loads.procedures))
    if not days and not promises:
        return 0
    ((cases,),) = client.execute(
        query("touched_cases"),
        {"now": now + _AHEAD},
        external_tables=[
            *external_table({"code": "String", "since": _INSTANT}, days, "changed_days"),
            *external_table(
                {"code": "String", "by": "String", "first": _INSTANT, "after": _INSTANT}, promises, "changed_promises"
            ),
        ],
    )
    return int(cases)


_INSTANT = "DateTime64(6, 'UTC')"


def _changed_days(client: Client, profile: Profile, before: Pin, after: Pin) -> Iterator[tuple[str, datetime]]:
    """The agencies that are counted and whose calendar is another one, with the instant from which on it is."""
    if (before.loads.calendar, before.loads.agencies) == (after.loads.calendar, after.loads.agencies):
        return
    old, new = (ruling_of(client, profile, each).calendar_of for each in (before, after))
    found: dict[tuple[int, int], date | None] = {}
    for agency in _counted_agencies(client):
        pair = old(agency), new(agency)
        key = id(pair[0]), id(pair[1])
        if key not in found:
            found[key] = first_difference(*pair)
        if day := found[key]:
            yield agency, _begin(day, profile)


def _changed_promises(client: Client, profile: Profile, before: int, after: int) -> Iterator[tuple[Any, ...]]:
    if before == after:
        return
    for each in changed_promises(procedures_of(client, before), procedures_of(client, after)):
        until = LATEST if each.last == LAST_DAY else _begin(each.last + ONE_DAY, profile)
        yield each.procedure, each.channel, _begin(each.first, profile), until


def _counted_agencies(client: Client) -> Iterable[str]:
    return [agency for (agency,) in client.execute("SELECT DISTINCT agency FROM facts")]


def _begin(day: date, profile: Profile) -> datetime:
    """The instant at which a local day begins, among those that events can have."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=profile.zone)
    return min(max(midnight.astimezone(UTC), EARLIEST), LATEST)
