"""Hypothesis strategies for the lives of a dossier around Tết 2026: on edges of days and hours, in any order."""

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schemas import events as kinds
from schemas.events import Event
from schemas.instant import to_micros
from schemas.working_time.built_in import built_in_calendar, built_in_rules
from schemas.working_time.calendar import Calendar
from schemas.working_time.day_rule import DayRule
from schemas.working_time.duration import Duration
from schemas.working_time.hours import Hours
from streams.on_time.promise import Promise
from tests.streams.on_time.told import VIETNAM

USUAL = built_in_calendar()
UNUSUAL = Calendar(
    [
        *built_in_rules(),
        DayRule(first=date(2000, 1, 1), weekdays=(6,), kind="half", hours=(Hours(450, 690),)),
        DayRule(first=date(2026, 2, 12), last=date(2026, 2, 12), kind="half"),
        DayRule(first=date(2026, 2, 25), last=date(2026, 2, 25), kind="worked", hours=(Hours(540, 900),)),
    ]
)
"""With Saturday mornings, a half day before Tết, and a short one that counts as a whole."""

_DAYS = [date(2026, 2, 9) + timedelta(days=number) for number in range(21)]
_TIMES = ("00:00", "07:59:59.999999", "08:00", "10:30", "12:00", "12:30", "13:00", "16:59", "17:00", "23:59:59.999999")
_INSTANTS = [datetime.fromisoformat(f"{day} {time}").replace(tzinfo=VIETNAM) for day in _DAYS for time in _TIMES]


def instants() -> SearchStrategy[datetime]:
    """From two weeks before Tết 2026 to a week after it."""
    return st.sampled_from(_INSTANTS)


def moments() -> SearchStrategy[int]:
    """The same in microseconds, and up to a microsecond beside it."""
    return st.builds(lambda at, beside: to_micros(at) + beside, instants(), st.integers(-1, 1))


def promises() -> SearchStrategy[Promise | None]:
    """What a procedure promises, or nothing."""
    amounts, units = st.integers(1, 8), st.sampled_from(("working hours", "working days", "days", "months"))
    durations = st.builds(Duration, amounts, units)
    same_day = st.builds(Promise, durations.filter(lambda duration: duration.unit != "months"), st.just(True))
    return st.none() | st.builds(Promise, durations) | same_day


_NUMBERED = (
    kinds.SupplementRequested,
    kinds.SupplementAnswered,
    kinds.ObligationSet,
    kinds.ObligationMet,
    kinds.Paused,
    kinds.Resumed,
)
_ENDS = (kinds.Resolved, kinds.Withdrawn, kinds.Refused, kinds.Stopped, kinds.Reopened, kinds.Returned)
_KINDS: tuple[type[Event], ...] = (*_NUMBERED, *_ENDS, kinds.TermSet, kinds.Extended)


@st.composite
def lives(draw: st.DrawFn, most: int = 8) -> list[Event]:
    """The events of a dossier that was received."""
    found: list[Event] = [_event(draw, kinds.Received, 0, {"agency": "H26"})]
    for place in range(1, draw(st.integers(1, most))):
        fields: dict[str, Any] = {}
        kind = draw(st.sampled_from(_KINDS))
        if kind in _NUMBERED:
            fields["number"] = draw(st.integers(1, 2))
        elif kind is kinds.TermSet:
            fields["term"] = draw(instants())
        elif kind is kinds.Extended:
            fields |= {"term": draw(instants()), "number": draw(st.integers(1, 2)), "apology": draw(st.booleans())}
        found.append(_event(draw, kind, place, fields))
    return found


def _event(draw: st.DrawFn, kind: type[Event], place: int, fields: dict[str, Any]) -> Event:
    recorded = draw(st.none() | instants())
    return kind(id=str(place), dossier="D", source="s", occurred_at=draw(instants()), recorded_at=recorded, **fields)
