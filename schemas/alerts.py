"""Alerts: the records of `dossier-alerts` about dossiers that are overdue or due soon."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.connection import Secret
from schemas.instant import Instant

SIGNATURE = "Dossier-Signature"
_NAME = re.compile(r"(?P<side>due|overdue)(?:-(?P<number>[1-9][0-9]{0,3})(?P<unit>[mhd]))?")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Level(Struct, frozen=True):
    """A level of urgency: it is reached once `after` has passed since the deadline; before it where negative.

    Its name says so: `due-3d`, `due-24h`, `overdue`, `overdue-3d`. Days are of 24 hours.
    """

    name: str
    after: timedelta


DEFAULT_LEVELS = "due-3d,due-24h,overdue,overdue-3d"


def parse_levels(text: str) -> tuple[Level, ...]:
    """The levels that such a list names, the least urgent first; raises ValueError that names the one that is wrong."""
    levels = sorted((_level(name.strip()) for name in text.split(",")), key=lambda level: level.after)
    for one, other in pairwise(levels):
        if one.after == other.after:
            raise ValueError(f"{one.name} and {other.name} are the same level")
    return tuple(levels)


def _level(name: str) -> Level:
    found = _NAME.fullmatch(name)
    if found is None or (found["side"] == "due" and found["number"] is None):
        raise ValueError(f"{name!r} is no level: such as due-3d, due-24h, overdue or overdue-3d")
    after = timedelta(**{_UNITS[found["unit"]]: int(found["number"])}) if found["number"] else timedelta()
    return Level(name, -after if found["side"] == "due" else after)


class Alert(Struct, frozen=True, kw_only=True):
    """A dossier reached a level of urgency, or an alert about it no longer holds.

    `seq` numbers the alerts of a deployment without a gap: a consumer that stores the greatest one reads each alert
    once. A dossier has at most one standing alert: one of a higher level replaces it, and `cleared` ends it, with the
    level, agency and term it was raised for.
    """

    seq: Annotated[int, Meta(ge=1)]
    dossier: str
    state: Literal["raised", "cleared"]
    level: Annotated[str, Meta(description="Such as due-24h or overdue-3d")]
    why: Annotated[str, Meta(description="Of cleared: the dossier's outcome, or voided, term, agency, gone or levels")]
    agency: Annotated[str, Meta(description="The agency responsible when it was raised")]
    procedure: str
    term: Instant
    at: Annotated[Instant, Meta(description="When this was found")]


def encode_alert(alert: Alert) -> bytes:
    """The alert as the value of a Kafka record."""
    return msgspec.json.encode(alert)


def decode_alert(value: bytes) -> Alert:
    """The alert in the value of a Kafka record; raises msgspec.MsgspecError on anything else."""
    try:
        return msgspec.json.decode(value, type=Alert)
    except (RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(str(error)) from error


def sign(key: Secret, value: bytes) -> bytes:
    """The header SIGNATURE of a record with this value: the hex HMAC-SHA256 of it under the key."""
    return hmac.new(key.reveal().encode(), value, hashlib.sha256).hexdigest().encode()


def by_agency(alerts: Iterable[Alert]) -> dict[str, Sequence[Alert]]:
    """The alerts of each agency, in their order."""
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        found.setdefault(alert.agency, []).append(alert)
    return dict(found)
