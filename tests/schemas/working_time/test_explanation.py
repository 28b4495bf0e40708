"""Explanations add up to the term, and say why a day counts nothing."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.working_time.arithmetic import add, between, counted_amount
from schemas.working_time.duration import Duration, Unit
from schemas.working_time.explanation import Explanation, explain, explain_between
from tests.schemas.working_time.calendars import SITES, at, calendar_of, instants, shown

units: st.SearchStrategy[Unit] = st.sampled_from(["working hours", "working days", "days", "months"])


def explained(start: str, amount: int, unit: Unit, *, same_day: bool = False, site: str = "as built in") -> list[str]:
    found = explain(at(start), Duration(amount, unit), calendar_of(site), same_day)
    return [f"{each.day.day:%d.%m} {each.counted} {each.note}".strip() for each in found.days]


def test_working_days_around_tet() -> None:
    weekend = "0 off: Nghỉ hằng tuần (Decision 188/1999/QĐ-TTg: 40 hours a week)"
    law = "(Labour Code, package holidays 0.109)"
    assert explained("2026-02-12T15:30", 2, "working days") == [
        "12.02 3/16 from 15:30",
        "13.02 1",
        f"14.02 {weekend}",
        f"15.02 {weekend}",
        f"16.02 0 off: Giao thừa Tết Nguyên Đán {law}",
        f"17.02 0 off: Tết Nguyên Đán {law}",
        f"18.02 0 off: Mùng hai Tết Nguyên Đán {law}",
        f"19.02 0 off: Mùng ba Tết Nguyên Đán {law}",
        f"20.02 0 off: Mùng bốn Tết Nguyên Đán {law}",
        f"21.02 {weekend}",
        f"22.02 {weekend}",
        "23.02 13/16 until 15:30",
    ]


def test_days_that_end_on_a_day_off() -> None:
    assert [line.partition(" (")[0] for line in explained("2026-03-05T10:00", 2, "days")] == [
        "05.03 0 the day of the start does not count",
        "06.03 1",
        "07.03 1 off: Nghỉ hằng tuần",
        "08.03 0 off: Nghỉ hằng tuần",
        "09.03 0 the term does not end on a day off, but on the next working day",
    ]


def test_starts_that_come_too_late_for_their_day() -> None:
    assert explained("2026-03-02T15:01", 1, "working days", same_day=True) == [
        "02.03 0 received after 15:00",
        "03.03 1",
    ]
    assert explained("2026-03-02T17:30", 1, "working days") == ["02.03 0 received when work has ended", "03.03 1"]
    assert explained("2026-03-02T10:00", 1, "days", same_day=True) == ["02.03 1"]


@pytest.mark.slow
def test_swaps_and_half_days_say_so() -> None:
    swapped = explained("2026-01-09T10:00", 1, "working days")[-1]
    assert swapped.startswith("10.01 1/4 until 10:00; worked: Làm bù cho thứ Sáu 02/01/2026 (Government notice")
    halves = explained("2026-02-12T10:00", 1, "working days", site="short Fridays, other hours in summer, half days")
    assert halves == ["12.02 3/4 from 10:00", "13.02 1/4 until 10:00; half a day"]


def test_seconds_are_shown_where_there_are_any() -> None:
    assert explained("2026-03-02T10:00:30", 1, "working days")[0] == "02.03 719/960 from 10:00:30"


def test_a_stretch_of_time() -> None:
    found = explain_between(at("2026-03-06T16:00"), at("2026-03-09T07:00"), "working hours", calendar_of())
    assert [(int(each.counted), each.note.partition(" (")[0]) for each in found.days] == [
        (1, "from 16:00"),
        (0, "off: Nghỉ hằng tuần"),
        (0, "off: Nghỉ hằng tuần"),
        (0, "before work begins"),
    ]


@pytest.mark.slow
@given(instants(), st.integers(0, 30), units, st.sampled_from([*SITES]), st.booleans())
def test_what_the_days_count_adds_up(start: int, amount: int, unit: Unit, site: str, same_day: bool) -> None:
    calendar, term = calendar_of(site), Duration(amount, unit)
    same_day = same_day and unit != "months"
    found = explain(start, term, calendar, same_day)
    assert found.end == add(start, term, calendar, same_day)
    assert found.amount == counted_amount(term, same_day)
    check(found)


@pytest.mark.slow
@given(instants(), st.integers(0, 40 * 86_400_000_000), units, st.sampled_from([*SITES]))
def test_what_the_days_count_adds_up_between(start: int, span: int, unit: Unit, site: str) -> None:
    end = start + span
    found = explain_between(start, end, unit, calendar_of(site))
    assert found.amount == max(between(start, end, unit, calendar_of(site)), Fraction())
    check(found)


def check(found: Explanation) -> None:
    assert sum((each.counted for each in found.days), Fraction()) == found.amount
    assert [each.day.day.isoformat() for each in found.days][:: len(found.days) - 1 or 1] in (
        [shown(found.start)[:10], shown(found.end)[:10]],
        [shown(found.end)[:10]],
    )
    for each in found.days:
        assert each.counted >= 0
        assert each.day.hours or each.note.startswith("off: ") or each.note.startswith("no rule")
