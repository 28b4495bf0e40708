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

    Its name says so: `due-3d`, `due-24h`, `overdue`, `overdue-3d`. Days are of 24 hours. `due-soon` is reached when the
    deployment calls a dossier due soon (profile, `due_soon`); among the levels it has the place of `due-24h`.
    """

    name: str
    after: timedelta

    @property
    def is_due_soon(self) -> bool:
        """Whether the profile says when it is reached, perhaps in working hours."""
        return self.name == DUE_SOON


DUE_SOON = "due-soon"
DEFAULT_LEVELS = f"due-3d,{DUE_SOON},overdue,overdue-3d"


def parse_levels(text: str) -> tuple[Level, ...]:
    """The levels that such a list names, the least urgent first; raises ValueError that names the one that is wrong."""
    levels = sorted((_level(name.strip()) for name in text.split(",")), key=lambda level: level.after)
    for one, other in pairwise(levels):
        if one.after == other.after:
            raise ValueError(f"{one.name} and {other.name} are the same level")
    return tuple(levels)


def _level(name: str) -> Level:
    if name == DUE_SOON:
        return Level(name, -timedelta(hours=24))
    found = _NAME.fullmatch(name)
    if found is None or (found["side"] == "due" and found["number"] is None):
        raise ValueError(f"{name!r} is no level: such as due-3d, due-soon, overdue or overdue-3d")
    after = timedelta(**{_UNITS[found["unit"]]: int(found["number"])}) if found["number"] else timedelta()
    return Level(name, -after if found["side"] == "due" else after)


class Alert(Struct, frozen=True, kw_only=True):
    """A dossier reached a level of urgency, or an alert about it no longer holds.

    `seq` numbers the alerts of a deployment without a gap: a consumer that stores the greatest one reads each alert
    once. A dossier has at most one standing alert: one of a higher level replaces it, and `cleared` ends it, with the
    level, agency, term and deadline it was raised for. The deadline is the last instant that was in time by the rule,
    which is named with its version; alerts of former versions of this program have neither.
    """

    seq: Annotated[int, Meta(ge=1)]
    dossier: str
    state: Literal["raised", "cleared"]
    level: Annotated[str, Meta(description="Such as due-soon or overdue-3d")]
    why: Annotated[
        str,
        Meta(
            description="Of raised: compared (the deadline with the time), or the special case of the rule, such as "
            "repeated supplement. Of cleared: the dossier's outcome, or voided, term, waiting (its clock stands), "
            "agency, rule, gone or levels"
        ),
    ]
    agency: Annotated[str, Meta(description="The agency responsible when it was raised")]
    procedure: str
    term: Annotated[Instant | None, Meta(description="Term that held when it was raised")]
    at: Annotated[Instant, Meta(description="When this was found")]
    rule: Annotated[str, Meta(description="Rule that it was judged by, such as date v2")] = ""
    deadline: Annotated[Instant | None, Meta(description="Last instant in time by the rule")] = None


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
