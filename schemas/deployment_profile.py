"""The deployment profile: the counting rules that a deployment chooses, in one TOML file."""

import re
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct, structs

from schemas.errors import SettingError
from schemas.rule_names import RuleName

RULES_VERSION = 3
"""Raised whenever the fold or the contributions change: stored counts then differ from what the code would count."""


class DueSoon(Struct, frozen=True, forbid_unknown_fields=True):
    """How long before its term an open dossier is due soon: in hours by the clock, or in hours that are worked."""

    amount: Annotated[int, Meta(ge=1, le=1000)] = 24
    unit: Literal["hours", "working hours"] = "hours"


class LateFromSupplement(Struct, frozen=True, forbid_unknown_fields=True):
    """From which request for supplements on a dossier is overdue by Decision 766 by itself; 0 for none.

    It is valid for dossiers that are received on this local day or later, up to the next one.
    """

    valid_from: date
    number: Annotated[int, Meta(ge=0, le=1000)]


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """What a deployment chooses.

    `time_zone` bounds local days, months, quarters and years. `terms` says how a result is held against its term:
    `instant` (in time up to the term's very instant) or `date` (in time through the term's local day).
    `late_from_supplement` are changes of the second request, which is what Decision 766 says. The other two only shape
    views and alerts: `leading_rule` is what figures of being on time are by, unless they name another rule; empty is
    what `terms` says.
    """

    time_zone: str = "Asia/Ho_Chi_Minh"
    terms: Literal["instant", "date"] = "instant"
    leading_rule: RuleName | None = None
    due_soon: DueSoon = DueSoon()
    late_from_supplement: tuple[LateFromSupplement, ...] = ()

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError
            named = f"{self.time_zone!r:.200}"
            raise ValueError(f"time_zone = {named} is not a zone of the IANA time zone database") from error
        days = [each.valid_from for each in self.late_from_supplement]
        if wrong := [later for earlier, later in pairwise(days) if later <= earlier]:
            raise ValueError(f"late_from_supplement: valid_from = {wrong[0]}: days have to ascend")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.time_zone)

    @property
    def leading(self) -> RuleName:
        """The rule that figures are by unless they name another one."""
        return self.leading_rule or self.terms

    @property
    def rules(self) -> str:
        """Identifies everything that stored counts depend on; counts of different rules never mix."""
        numbers = ",".join(f"{each.valid_from}:{each.number}" for each in self.late_from_supplement)
        chosen = f" late_from_supplement={numbers}" if numbers else ""
        return f"v{RULES_VERSION} terms={self.terms} time_zone={self.time_zone}{chosen}"

    def counted_by(self, rules: str) -> "Profile":
        """The same profile with the rules that stored counts are of; raises SettingError as `profile_of`."""
        return structs.replace(profile_of(rules), leading_rule=self.leading_rule, due_soon=self.due_soon)


def profile_of(rules: str) -> Profile:
    """The profile of such an identity, whatever its version; raises SettingError where this program knows no such rule.

    A rules version that this program does not count by is no hindrance: views can still be made.
    """
    _, _, chosen = rules.partition(" ")
    try:
        held: dict[str, Any] = dict(part.split("=", 1) for part in chosen.split())
        if numbers := held.get("late_from_supplement"):
            pairs = (pair.split(":") for pair in numbers.split(","))
            held["late_from_supplement"] = [{"valid_from": day, "number": int(number)} for day, number in pairs]
        return msgspec.convert(held, Profile)
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingError(f"stored counts are of rules that this version does not know: {rules} ({error})") from error


def decode_profile(text: bytes, name: str) -> Profile:
    """Read a profile's TOML; raises SettingError that names the file, the key and the value."""
    try:
        return _read(text)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise SettingError(f"{name}: {error}; see docs/operator.md, “Profile”") from error


def _read(text: bytes) -> Profile:
    held = msgspec.toml.decode(text)
    keys = Profile.__struct_fields__
    for key, value in held.items():
        if key not in keys:
            raise ValueError(f"{key!r} = {value!r:.200} is not known; the keys are {', '.join(keys)}")
    try:
        return msgspec.convert(held, Profile)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).removesuffix("`").partition(" - at `$.")
        raise ValueError(f"{path} = {_value(held, path)!r:.200}: {detail}" if path else detail) from error


def _value(held: Any, path: str) -> Any:
    """What is at a place such as `due_soon.unit` or `late_from_supplement[0].number`."""
    for key, place in re.findall(r"(\w+)|\[(\d+)\]", path):
        held = held[int(place)] if place else held[key]
    return held
