"""Agencies find their calendar by where they stand, and share it with those for which the same holds."""

from datetime import date

from schemas.working_time.agency_calendars import AgencyCalendars, path_by_dots
from schemas.working_time.built_in import built_in_rules
from schemas.working_time.day_rule import DayRule
from tests.schemas.working_time.calendars import on, schedule

SATURDAY, MONDAY = date(2026, 3, 7), date(2026, 3, 9)


def saturdays(agency: str, source: str = "") -> DayRule:
    return schedule("6-6", "07:30-11:30", kind="half", agency=agency, source=source)


def test_rules_for_an_agency_hold_below_it_wherever_the_tree_puts_that() -> None:
    calendars = AgencyCalendars([*built_in_rules(), saturdays("H26")], {"X": ("H26", "X"), "H26.5": ("H27", "H26.5")})
    assert calendars.of("X").day(SATURDAY).kind == "half"
    assert calendars.of("H26.5").day(SATURDAY).kind == "off"
    assert calendars.of("H26.1.7").day(SATURDAY).kind == "half"  # not declared: its dots name H26
    assert calendars.of("Y").day(SATURDAY).kind == "off"
    assert calendars.of("").day(SATURDAY).kind == "off"


def test_a_code_that_has_ended_keeps_the_rules_for_itself_and_has_those_of_its_successor() -> None:
    rules = [*built_in_rules(), saturdays("OLD"), on("2026-03-09", "off", agency="NEW")]
    calendar = AgencyCalendars(rules, {"OLD": ("H26", "NEW")}).of("OLD")
    assert (calendar.day(SATURDAY).kind, calendar.day(MONDAY).kind) == ("half", "off")


def test_an_alias_stands_for_its_code_in_rules_and_in_cases() -> None:
    paths, names = {"H26": ("H26",), "000.H26": ("H26",)}, {"000.H26": "H26"}
    for named in ("H26", "000.H26"):
        calendars = AgencyCalendars([*built_in_rules(), saturdays(named)], paths, names)
        assert [calendars.of(code).day(SATURDAY).kind for code in ("H26", "000.H26")] == ["half", "half"]


def test_agencies_to_which_rules_say_the_same_share_one_calendar() -> None:
    rules = [*built_in_rules(), saturdays("A", "QĐ 1"), saturdays("B", "QĐ 2"), on("2026-03-09", "off", agency="C")]
    calendars = AgencyCalendars(rules)
    assert calendars.of("A") is calendars.of("B")
    assert calendars.of("A") is not calendars.of("C")
    assert calendars.of("D") is calendars.of("E")


def test_codes_above_a_code_are_those_that_its_dots_name() -> None:
    assert path_by_dots("H26.17.3") == ["H26", "H26.17", "H26.17.3"]
    assert path_by_dots("") == []
