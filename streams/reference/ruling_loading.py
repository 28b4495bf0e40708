"""The ruling of an epoch, made of the loads that are pinned for it."""

from collections.abc import Mapping, Sequence

from clickhouse_driver import Client
from msgspec import structs

from schemas.deployment_profile import Profile
from schemas.reference.procedure import ProcedureVersion
from schemas.working_time.agency_calendars import AgencyCalendars
from schemas.working_time.built_in import built_in_rules
from schemas.working_time.day_rule import DayRule
from streams.on_time.chosen_rules import rules_of
from streams.on_time.promised_terms import PromisedTerms
from streams.on_time.ruling import Ruling, built_in_ruling
from streams.reference.kinds import KINDS
from streams.reference.loads import declared
from streams.reference.ruling_pins import BUILT_IN, Pin, held


def load_ruling(client: Client, profile: Profile, epoch: int) -> Ruling:
    """What decides the counts of this epoch; without a pin, the built-in calendar. Raises what the driver does."""
    return ruling_of(client, profile, held(client, epoch))


def ruling_of(client: Client, profile: Profile, pin: Pin) -> Ruling:
    """What decides by this pin and the profile's choice of rules; raises what the driver does."""
    usual = built_in_ruling(profile.time_zone, rules_of(profile))
    if pin.loads == BUILT_IN:
        return usual
    calendars = calendars_of(client, profile, pin)
    promises = PromisedTerms(procedures_of(client, pin.loads.procedures), profile.zone)
    return Ruling(calendars.of if calendars else usual.calendar_of, promises.of, usual.rules)


def calendars_of(client: Client, profile: Profile, pin: Pin) -> AgencyCalendars | None:
    """The calendars of all agencies by this pin; None where no rules are loaded, so that the built-in ones decide."""
    if not pin.loads.calendar:
        return None
    loaded = day_rules_of(client, pin)
    rules = [*built_in_rules(), *loaded]
    if not any(rule.agency for rule in loaded):
        return AgencyCalendars(rules, time_zone=profile.time_zone)
    places, names = _places(client, profile, pin), _names(client, pin)
    return AgencyCalendars(rules, places, names, profile.time_zone)


def day_rules_of(client: Client, pin: Pin) -> list[DayRule]:
    """The rules of the calendar by this pin, which win over the built-in ones; agencies by their codes."""
    rules: list[DayRule] = declared(client, KINDS["calendar"], pin.loads.calendar)
    if not any(rule.agency for rule in rules):
        return rules
    names = _names(client, pin)
    return [structs.replace(rule, agency=names.get(rule.agency, rule.agency)) for rule in rules]


def path_of(client: Client, profile: Profile, pin: Pin, agency: str) -> Sequence[str]:
    """The codes of which the rules hold for an agency, from the general to the specific."""
    return AgencyCalendars((), _places(client, profile, pin), _names(client, pin)).path_of(agency)


def procedures_of(client: Client, load: int) -> list[ProcedureVersion]:
    """The versions that a load of procedures declares, with what a promise follows from and nothing else."""
    rows = client.execute(
        "SELECT code, channel, valid_from, valid_to, term, unit FROM procedures WHERE load = %(load)s "
        "ORDER BY code, channel, valid_from",
        {"load": load},
    )
    return [
        ProcedureVersion(
            code=code,
            name_vi="",
            service_level="information",
            channel=channel,
            term=term,
            unit=unit,
            valid_from=valid_from,
            valid_to=valid_to,
        )
        for code, channel, valid_from, valid_to, term, unit in rows
    ]


def _places(client: Client, profile: Profile, pin: Pin) -> Mapping[str, Sequence[str]]:
    """The paths of the local day on which the pin was made: what decides must not change by itself."""
    if pin.pinned_at is None:
        return {}
    rows = client.execute(
        "SELECT agency, path FROM agency_placements "
        "WHERE load = %(load)s AND valid_from <= %(day)s AND valid_to >= %(day)s",
        {"load": pin.loads.agencies, "day": pin.pinned_at.astimezone(profile.zone).date()},
    )
    return dict(rows)


def _names(client: Client, pin: Pin) -> Mapping[str, str]:
    """The codes that aliases stand for."""
    rows = client.execute(
        "SELECT arrayJoin(aliases) AS alias, any(code) FROM agencies WHERE load = %(load)s GROUP BY alias",
        {"load": pin.loads.agencies},
    )
    return dict(rows)
