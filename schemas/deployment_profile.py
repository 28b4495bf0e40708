"""The deployment profile: the counting rules that a deployment chooses, in one TOML file."""

from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from schemas.errors import SettingError

RULES_VERSION = 3
"""Raised whenever the fold or the contributions change: stored counts then differ from what the code would count."""


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """What a deployment chooses.

    `time_zone` bounds local days, months, quarters and years. `terms` says how a result is held against its term:
    `instant` (in time up to the term's very instant) or `date` (in time through the term's local day).
    """

    time_zone: str = "Asia/Ho_Chi_Minh"
    terms: Literal["instant", "date"] = "instant"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError
            named = f"{self.time_zone!r:.200}"
            raise ValueError(f"time_zone = {named} is not a zone of the IANA time zone database") from error

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.time_zone)

    @property
    def rules(self) -> str:
        """Identifies everything that stored counts depend on; counts of different rules never mix."""
        return f"v{RULES_VERSION} terms={self.terms} time_zone={self.time_zone}"


def profile_of(rules: str) -> Profile:
    """The profile of such an identity, whatever its version; raises SettingError where this program knows no such rule.

    A rules version that this program does not count by is no hindrance: views can still be made.
    """
    _, _, chosen = rules.partition(" ")
    try:
        return msgspec.convert(dict(part.split("=", 1) for part in chosen.split()), Profile)
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
        detail, _, key = str(error).removesuffix("`").partition(" - at `$.")
        raise ValueError(f"{key} = {held[key]!r:.200}: {detail}" if key else detail) from error
