"""Rulings for tests: one in which agencies, procedures and days of reception make a difference."""

from datetime import date

from msgspec import structs

from schemas.reference.validity import ONE_DAY
from schemas.working_time.duration import Duration
from streams.on_time.promise import Promise
from streams.on_time.rules import DATE_AS_SENT, DECISION_766, INSTANT_AS_SENT, RULES, Rule
from streams.on_time.ruling import Ruling
from tests.streams.on_time.lives import UNUSUAL, USUAL

_FROM = date(2026, 2, 17)
PROMISES = (
    None,
    Promise(Duration(3, "working days")),
    Promise(Duration(2, "days"), same_day=True),
    Promise(Duration(12, "working hours")),
    Promise(Duration(1, "months")),
)


def _until(rule: Rule) -> Rule:
    return structs.replace(rule, valid_to=_FROM - ONE_DAY)


VARIED = Ruling(
    lambda agency: UNUSUAL if agency == "H02" else USUAL,
    lambda procedure, channel, received_at: PROMISES[(len(procedure) + len(channel) + received_at) % len(PROMISES)],
    (
        *(_until(rule) for rule in (INSTANT_AS_SENT, DATE_AS_SENT)),
        structs.replace(_until(DECISION_766), late_from_supplement=1),
        *(structs.replace(rule, valid_from=_FROM) for rule in RULES[:3]),
        RULES[3],
    ),
)
"""Other working days for one agency, promises by all that they depend on, and rules that change within Tết 2026."""
