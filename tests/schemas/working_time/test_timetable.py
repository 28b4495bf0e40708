"""Timetables: positions that no usual day has to round, and that fit into 64 bits."""

import pytest

from schemas.errors import OutsideCalendar
from schemas.working_time.calendar import Calendar
from schemas.working_time.timetable import DAY_MINUTES, TICKS
from tests.schemas.working_time.calendars import calendar_of


@pytest.mark.parametrize("hours", [6, 6.5, 7, 7.5, 8, 9, 10])
def test_usual_days_divide_what_a_day_weighs(hours: float) -> None:
    assert DAY_MINUTES % (hours * 60) == 0


@pytest.mark.parametrize("hours", [3, 3.25, 3.5, 3.75, 4, 4.5])
def test_usual_half_days_divide_half_of_it(hours: float) -> None:
    assert DAY_MINUTES // 2 % (hours * 60) == 0


def test_twice_all_days_fit_into_64_bits() -> None:
    """A term is a sum of two positions, and `add_many` adds them in 64 bits."""
    table = calendar_of("day and night").timetable
    for unit in ("working hours", "working days"):
        whole = table.scale(unit).ends[-1]
        assert whole + (whole // TICKS[unit] + 1) * TICKS[unit] < 2**63


def test_sessions_follow_each_other_and_positions_have_no_gap() -> None:
    table = calendar_of("short Fridays, other hours in summer, half days").timetable
    assert all(before < after for before, after in zip(table.closes, table.opens[1:], strict=False))
    for scale in (table.by_hours, table.by_days):
        assert all(before < after for before, after in zip(scale.ends, scale.ends[1:], strict=False))
        for i in (0, 1, 1000, len(table.opens) - 1):
            assert table.instant(scale.ends[i], scale) == table.closes[i]
            assert table.position(table.opens[i], scale) == (scale.ends[i - 1] if i else 0)


def test_a_calendar_without_working_days_has_no_sessions() -> None:
    table = Calendar([]).timetable
    assert len(table.opens) == 0
    assert table.end == table.midnights[0]
    with pytest.raises(OutsideCalendar, match="no working day"):
        table.open(table.first_ordinal)
