"""The built-in calendar beside official lists, and beside the package that its holidays come from."""

from datetime import date, timedelta

import pytest

from connectors.reference.reading import read_day_rules
from schemas.working_time.built_in import ANNOUNCED_UNTIL, FILES, built_in_calendar, built_in_rules
from schemas.working_time.calendar import Calendars
from tests.holiday_table import FILE, table

DAYS_OFF = {
    # As the government announced them, without the usual weekends.
    2022: "01-03 01-31 02-01 02-02 02-03 02-04 04-11 05-02 05-03 09-01 09-02",
    2023: "01-02 01-20 01-23 01-24 01-25 01-26 05-01 05-02 05-03 09-01 09-04",
    2024: "01-01 02-08 02-09 02-12 02-13 02-14 04-18 04-29 04-30 05-01 09-02 09-03",
    2025: "01-01 01-27 01-28 01-29 01-30 01-31 04-07 04-30 05-01 05-02 09-01 09-02",
    2026: "01-01 01-02 02-16 02-17 02-18 02-19 02-20 04-27 04-30 05-01 08-31 09-01 09-02 11-24",
}
WORKED_SATURDAYS = {2022: "", 2023: "", 2024: "05-04", 2025: "04-26", 2026: "01-10 08-22"}


@pytest.mark.parametrize("year", DAYS_OFF)
def test_a_year_is_as_it_was_announced(year: int) -> None:
    calendar = built_in_calendar()
    days = [date(year, 1, 1) + timedelta(number) for number in range(365)]
    off = [f"{day:%m-%d}" for day in days if day.isoweekday() < 6 and calendar.day(day).kind == "off"]
    worked = [f"{day:%m-%d}" for day in days if day.isoweekday() > 5 and calendar.day(day).kind != "off"]
    assert (" ".join(off), " ".join(worked)) == (DAYS_OFF[year], WORKED_SATURDAYS[year])


def test_the_table_of_holidays_is_that_of_the_package() -> None:
    assert FILE.read_text(encoding="utf-8") == table(), "run `python -m tests.holiday_table`"


def test_the_last_year_that_is_announced_is_tested() -> None:
    assert max(DAYS_OFF) == ANNOUNCED_UNTIL


def test_every_rule_names_its_source() -> None:
    assert all(rule.name and rule.source for rule in built_in_rules())


@pytest.mark.slow
def test_a_site_can_read_the_built_in_tables_as_its_own() -> None:
    """They are examples of the files of a site."""
    assert sorted(read_day_rules(FILES), key=str) == sorted(built_in_rules(), key=str)


def test_centres_of_hanoi_receive_dossiers_on_the_saturday_before_tet() -> None:
    hanoi = Calendars(built_in_rules()).of(("H26", "H26.17"))
    saturday = date(2026, 2, 14)
    assert (hanoi.day(saturday).kind, hanoi.reception(saturday).kind) == ("off", "worked")
    assert built_in_calendar().reception(saturday).kind == "off"
