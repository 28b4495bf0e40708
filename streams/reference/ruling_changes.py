"""Whether other loads would decide cases otherwise that are counted, and their adoption where they would not.

A case depends on the days of its agency's calendar from its reception to the last of its terms, and on what its
procedure promised on the day of its reception. What is compared with a term has happened, so a calendar that differs
only in days to come changes no standing: it changes a case only if one of its terms ends there.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

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

_INSTANT = "DateTime64(6, 'UTC')"
_AHEAD = timedelta(hours=1)
"""How far clocks may differ: what begins within an hour may have begun elsewhere."""


class Touched(Struct, frozen=True):
    """At most how many counted cases are decided otherwise, and up to a thousand of them."""

    cases: int = 0
    some: tuple[str, ...] = ()


class Waiting(Struct, frozen=True):
    """A load that does not decide yet, since it would decide counted cases otherwise."""

    kind: KindName
    load: int
    touched: Touched


class Adoption(Struct, frozen=True):
    """The pin that holds, and the newer loads that wait for a rebuild."""

    pin: Pin
    waiting: tuple[Waiting, ...] = ()


def adopt(client: Client, profile: Profile, epoch: int, now: datetime | None = None) -> Adoption:
    """Let the current loads decide the counts of an epoch, each kind that touches no case; raises what the driver does.

    Whoever finds newer loads does it: the command that loaded them, or a worker where that command was killed.
    """
    before = held(client, epoch)
    at = before.later(now or datetime.now(UTC))
    loads, waiting = weigh(client, profile, before, at)
    if loads == before.loads and before.pinned_at:
        return Adoption(before, waiting)
    return Adoption(pin(client, before, loads, at), waiting)


def weigh(client: Client, profile: Profile, before: Pin, at: datetime) -> tuple[Loads, tuple[Waiting, ...]]:
    """The loads that may decide instead of the pinned ones, and the newer ones that may not; pins nothing."""
    found, loads = newest(client), before.loads
    waiting: list[Waiting] = []
    for kind in DECIDING:
        number = getattr(found, kind)
        if number == getattr(loads, kind):
            continue
        tried: Loads = structs.replace(loads, **{kind: number})
        touched = touched_cases(client, profile, before, Pin(before.epoch, at, tried), at)
        if touched.cases:
            waiting.append(Waiting(kind, number, touched))
        else:
            loads = tried
    return loads, tuple(waiting)


def touched_cases(client: Client, profile: Profile, before: Pin, after: Pin, now: datetime) -> Touched:
    """The counted cases that one pin may decide otherwise than another; raises what the driver does."""
    days = list(_changed_days(client, profile, before, after))
    promises = list(_changed_promises(client, profile, before.loads.procedures, after.loads.procedures))
    return cases_on(client, days, promises, now)


def cases_on(
    client: Client,
    days: Sequence[tuple[str, datetime]],
    promises: Sequence[tuple[str, str, datetime, datetime]],
    now: datetime,
) -> Touched:
    """The counted cases that depend on what changes; raises what the driver does.

    `days` are agencies, each with the instant from which on its calendar is another one. `promises` are procedures and
    channels, each with the instants from which on and up to which dossiers are promised something else.
    """
    if not days and not promises:
        return Touched()
    ((cases, some),) = client.execute(
        query("touched_cases"),
        {"now": now + _AHEAD},
        external_tables=[
            *external_table({"code": "String", "since": _INSTANT}, days, "changed_days"),
            *external_table(
                {"code": "String", "by": "String", "first": _INSTANT, "after": _INSTANT}, promises, "changed_promises"
            ),
        ],
    )
    return Touched(cases, tuple(sorted(some)))


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


def _changed_promises(
    client: Client, profile: Profile, before: int, after: int
) -> Iterator[tuple[str, str, datetime, datetime]]:
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
