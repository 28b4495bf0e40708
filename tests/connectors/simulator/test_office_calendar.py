from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from connectors.simulator.office_calendar import CITY, CompressedCalendar, OfficeCalendar, activity

OFFICE = OfficeCalendar()
moments = st.floats(0, 4e9)
spans = st.floats(0, 60)


def local(at: float) -> str:
    return f"{datetime.fromtimestamp(round(at), CITY):%a %d %H:%M}"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=CITY).timestamp()


def test_work_goes_on_in_office_hours_only() -> None:
    assert local(OFFICE.after(at("2026-03-06 16:00"), 0.2)) == "Mon 09 08:00"
    assert local(OFFICE.after(at("2026-03-07 12:00"), 0)) == "Mon 09 07:30"
    assert local(OFFICE.after(at("2026-03-09 11:00"), 2 / 7.5)) == "Mon 09 15:00"
    assert local(OFFICE.after(at("2026-03-09 22:00"), 1)) == "Wed 11 07:30"


def test_a_term_in_working_days_keeps_the_hour() -> None:
    assert local(OFFICE.after(at("2026-03-05 09:15"), 5)) == "Thu 12 09:15"


@given(moments, spans, spans)
def test_more_work_is_never_done_sooner(begin: float, days: float, more: float) -> None:
    assert OFFICE.after(begin, days) <= OFFICE.after(begin, days + more)


@given(moments, spans)
def test_work_ends_in_office_hours_and_not_before_it_was_begun(begin: float, days: float) -> None:
    end = OFFICE.after(begin, days)
    moment = datetime.fromtimestamp(end, CITY)
    assert moment.weekday() < 5
    assert "07:30" <= f"{moment:%H:%M}" <= "17:00"
    # Beginning on a closed hour counts from when the office opens; the last moment of a day is the next one's first.
    assert end >= begin - 0.001


def test_a_compressed_day_has_ten_seconds_at_2700() -> None:
    assert CompressedCalendar(2700).after(1000.0, 2.5) == 1025.0
    assert CompressedCalendar(2700).delay(1000.0, 2700) == 1001.0


def test_monday_mornings_are_busy_and_nights_and_holidays_are_not() -> None:
    monday, friday = at("2026-03-09 09:00"), at("2026-03-13 16:00")
    assert activity(monday, online=False) > activity(friday, online=False) > 0
    for closed in ("2026-03-09 12:30", "2026-03-09 18:00", "2026-03-08 09:00", "2026-04-30 09:00"):
        assert activity(at(closed), online=False) == 0
        assert activity(at(closed), online=True) > 0
    assert activity(monday, online=True) > 5 * activity(at("2026-03-09 03:00"), online=True)
    assert activity(at("2026-03-09 09:00"), online=True) > activity(at("2026-02-09 09:00"), online=True)
