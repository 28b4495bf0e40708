"""What decides terms now, and what a rebuild would let decide."""

from datetime import UTC, datetime

from clickhouse_driver import Client
from msgspec import structs

from schemas.deployment_profile import Profile
from streams.on_time.chosen_rules import rules_of
from streams.on_time.ruling import Ruling
from streams.reference.ruling_loading import load_ruling, ruling_of
from streams.reference.ruling_pins import Pin, newest
from streams.storage.epochs import Entry, read_history


def current_ruling(client: Client, profile: Profile) -> Ruling:
    """What the serving counts are decided by: their rules, and the loads that are pinned; raises what the driver does.

    Where nothing was ever counted, it is the profile with the built-in calendar.
    """
    serving = serving_entry(client)
    if serving is None:
        return _by(profile, load_ruling(client, profile, 0))
    counted = profile.counted_by(serving.origin.rules)
    return _by(counted, load_ruling(client, counted, serving.epoch))


def loaded_ruling(client: Client, profile: Profile) -> Ruling:
    """What a rebuild would adopt: the rules of the profile and the newest loads; raises what the driver does."""
    serving = serving_entry(client)
    pin = Pin(serving.epoch if serving else 0, datetime.now(UTC), newest(client))
    return _by(profile, ruling_of(client, profile, pin))


def serving_entry(client: Client) -> Entry | None:
    """The epoch whose counts are shown; None before the first one."""
    return read_history(client).serving


def _by(profile: Profile, ruling: Ruling) -> Ruling:
    return structs.replace(ruling, rules=rules_of(profile))
