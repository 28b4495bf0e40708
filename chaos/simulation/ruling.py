"""What decides terms in a simulation, as the product knows it and as the oracle does: made twice from the same facts.

Everything happens within hours of the morning of 2 March 2026, a Monday. Agencies work at different minutes of it, one
has swapped the next day for a Saturday, procedures promise hours or days, and the rules change on that Monday.
"""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from msgspec import structs

from chaos.oracle.law import Law
from chaos.oracle.on_time import Promised, Versions
from chaos.oracle.working_days import WorkingDays
from schemas.working_time.built_in import built_in_rules
from schemas.working_time.calendar import Calendar
from schemas.working_time.day_rule import DayRule
from schemas.working_time.duration import Duration
from schemas.working_time.hours import Hours
from streams.on_time.promise import Promise
from streams.on_time.rules import DATE_AS_SENT, DECISION_766, INSTANT_AS_SENT, RULES, Rule
from streams.on_time.ruling import Ruling

TIME_ZONE = "Asia/Ho_Chi_Minh"
CHANGED = date(2026, 3, 2)
"""Dossiers that came in on this day or later are judged by the current rules."""

_TUESDAY, _SATURDAY = date(2026, 3, 3), date(2026, 3, 7)
_SWAPPED = (
    DayRule(first=_TUESDAY, last=_TUESDAY, kind="off"),
    DayRule(first=_SATURDAY, last=_SATURDAY, kind="worked"),
)
_FROM_EIGHT, _LATER = (
    Calendar(
        [
            *built_in_rules(),
            *_SWAPPED[:swapped],
            DayRule(first=CHANGED, last=CHANGED, kind="worked", hours=(Hours(opens, 690), Hours(780, 1020))),
        ],
        TIME_ZONE,
    )
    for swapped, opens in ((0, 480), (2, 486))
)
_AMOUNTS = (None, (1, "working hours"), (1, "working days"), (1, "days"), (2, "working hours"))


def _amount(procedure: str, channel: str, received_at: int) -> tuple[int, str] | None:
    """What is promised, by everything that a promise depends on."""
    return _AMOUNTS[(len(procedure) + len(channel) + received_at // 60_000_000) % len(_AMOUNTS)]


def _promise(procedure: str, channel: str, received_at: int) -> Promise | None:
    amount = _amount(procedure, channel, received_at)
    return Promise(Duration(*amount), same_day=channel == "postal") if amount else None  # type: ignore[arg-type]  # units


def _promised(procedure: str, channel: str, received_at: int) -> Promised | None:
    amount = _amount(procedure, channel, received_at)
    return Promised(*amount, channel == "postal") if amount else None


def _before(rule: Rule) -> Rule:
    return structs.replace(rule, valid_to=CHANGED - timedelta(days=1))


RULING = Ruling(
    lambda agency: _LATER if agency == "H02" else _FROM_EIGHT,
    _promise,
    (
        _before(INSTANT_AS_SENT),
        _before(DATE_AS_SENT),
        structs.replace(_before(DECISION_766), late_from_supplement=1),
        *(structs.replace(rule, valid_from=CHANGED) for rule in RULES[:3]),
        RULES[3],
    ),
)
"""As counting gets it."""

_DAYS = {calendar: WorkingDays(calendar, ZoneInfo(TIME_ZONE)) for calendar in (_FROM_EIGHT, _LATER)}
LAW = Law(
    lambda agency: _DAYS[_LATER if agency == "H02" else _FROM_EIGHT],
    _promised,
    lambda day: Versions() if day >= CHANGED else Versions(as_sent=True, one_too_many=1),
)
"""The same, as the oracle gets it."""
