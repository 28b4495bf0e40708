from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.cell_numbers import to_whole
from connectors.files.cell_values import Cell, Clock, check_formats, is_empty, to_bool, to_instant, to_text

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("text", "formats", "instant"),
    [
        ("2011-12-06 13:41:31.788000+01:00", ("iso",), "2011-12-06T12:41:31.788+00:00"),
        ("2011-12-06T13:41:31Z", ("iso",), "2011-12-06T13:41:31+00:00"),
        ("2011-07-06 13:41", ("iso",), "2011-07-06T11:41:00+00:00"),
        ("2011-12-06", ("iso",), "2011-12-05T23:00:00+00:00"),
        ("20111206134131", ("%Y%m%d%H%M%S",), "2011-12-06T12:41:31+00:00"),
        ("6/12/2011", ("iso", "%d/%m/%Y"), "2011-12-05T23:00:00+00:00"),
        ("1323175291788", ("epoch_ms",), "2011-12-06T12:41:31.788+00:00"),
        (" 2011-12-06 ", ("iso",), "2011-12-05T23:00:00+00:00"),
    ],
)
def test_an_instant_is_read_by_its_format_and_its_zone(text: str, formats: tuple[str, ...], instant: str) -> None:
    assert to_instant(text, Clock(AMSTERDAM, formats)) == datetime.fromisoformat(instant)


def test_the_clock_change_takes_the_first_of_two_and_the_offset_before_a_gap() -> None:
    clock = Clock(AMSTERDAM)
    assert to_instant("2011-10-30 02:30", clock) == datetime(2011, 10, 30, 0, 30, tzinfo=UTC)
    assert to_instant("2011-03-27 02:30", clock) == datetime(2011, 3, 27, 1, 30, tzinfo=UTC)


def test_a_term_without_a_time_is_the_last_microsecond_of_its_local_day() -> None:
    clock = Clock(HANOI, ("iso", "%d/%m/%Y"), end_of_day=True)
    end = datetime(2026, 3, 2, 16, 59, 59, 999999, tzinfo=UTC)
    assert to_instant("2026-03-02", clock) == end
    assert to_instant("02/03/2026", clock) == end
    assert to_instant(date(2026, 3, 2), clock) == end
    assert to_instant("2026-03-02 09:00", clock) == datetime(2026, 3, 2, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("20211-01-01", ("iso",)),
        ("2011-02-30", ("iso",)),
        ("soon", ("iso", "%d/%m/%Y")),
        ("2011-12-06 25:00", ("iso",)),
        ("2011120613", ("%Y%m%d%H%M%S",)),
        ("999999999999999999999", ("epoch_s",)),
        ("2011-12-06\0", ("iso",)),
    ],
)
def test_what_no_format_fits_is_refused(text: str, formats: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"is not a date or time as "):
        to_instant(text, Clock(AMSTERDAM, formats))


@pytest.mark.parametrize("cell", [date.min, datetime.min, datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))])
def test_a_typed_time_at_the_edge_of_the_calendar_is_refused(cell: Cell) -> None:
    with pytest.raises(ValueError, match="outside the years"):
        to_instant(cell, Clock(HANOI))


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),
    st.sampled_from([UTC, AMSTERDAM, HANOI]),
)
def test_an_instant_written_with_its_offset_reads_the_same_in_any_zone(naive: datetime, zone: ZoneInfo) -> None:
    at = naive.replace(tzinfo=zone)
    assert to_instant(at.isoformat(), Clock(HANOI)) == at.astimezone(UTC)
    assert to_instant(at, Clock(HANOI)) == at.astimezone(UTC)


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_are_exact(milliseconds: int) -> None:
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert to_instant(milliseconds, Clock(HANOI, ("epoch_ms",))) == expected


@pytest.mark.parametrize("pattern", ["%H:%M", "%d/%m", "tomorrow", "%Q", ""])
def test_a_format_that_names_no_day_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"names no year|strptime pattern"):
        check_formats([pattern])


@pytest.mark.parametrize("cell", [None, "", "  ", float("nan")])
def test_nothing_given(cell: Cell) -> None:
    assert is_empty(cell)


@pytest.mark.parametrize(("cell", "number"), [("12", 12), (" -3 ", -3), (7, 7), (7.0, 7)])
def test_whole_numbers(cell: Cell, number: int) -> None:
    assert to_whole(cell) == number


@pytest.mark.parametrize("cell", ["1.5", "1e3", "1,000", "x", 7.5, "٣"])
def test_what_is_no_whole_number(cell: Cell) -> None:
    with pytest.raises(ValueError, match="whole number"):
        to_whole(cell)


def test_yes_and_no_and_nothing_else() -> None:
    assert [to_bool(cell) for cell in ("Yes", "1", True, "no", "0", False)] == [True] * 3 + [False] * 3
    with pytest.raises(ValueError, match="neither"):
        to_bool("perhaps")


def test_text_is_stripped_and_holds_no_nul() -> None:
    assert to_text(" Sở Tư pháp ") == "Sở Tư pháp"
    assert not is_empty(0)
    with pytest.raises(ValueError, match="NUL"):
        to_text("a\0b")


@pytest.mark.parametrize(
    ("text", "pattern", "instant"),
    [
        ("2026-01-05T08:00:00+0700", "%Y-%m-%dT%H:%M:%S%z", "2026-01-05T01:00:00+00:00"),
        ("05/01/2026 08:00 +07:00", "%d/%m/%Y %H:%M %z", "2026-01-05T01:00:00+00:00"),
        ("20260105080000+0700", "%Y%m%d%H%M%S%z", "2026-01-05T01:00:00+00:00"),
        ("20260105080000Z", "%Y%m%d%H%M%S%z", "2026-01-05T08:00:00+00:00"),
        ("Mon Jan 05 08:00:00 -0500 2026", "%a %b %d %H:%M:%S %z %Y", "2026-01-05T13:00:00+00:00"),
    ],
)
def test_a_format_may_have_an_offset(text: str, pattern: str, instant: str) -> None:
    check_formats([pattern])
    assert to_instant(text, Clock(AMSTERDAM, (pattern,))) == datetime.fromisoformat(instant)


def test_missing_digits_before_an_offset_are_not_taken_from_the_neighbours() -> None:
    with pytest.raises(ValueError, match="is not a date or time"):
        to_instant("2026010508+0700", Clock(AMSTERDAM, ("%Y%m%d%H%M%S%z",)))


def test_a_name_of_a_time_zone_is_no_format() -> None:
    # It would be read, and its zone silently be forgotten.
    with pytest.raises(ValueError, match="names of time zones are ambiguous"):
        check_formats(["%Y-%m-%d %H:%M %Z"])


CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("cell", "zone", "formats"),
    [
        (datetime(2026, 1, 15), HANOI, ("iso",)),
        (datetime(2026, 1, 15, 14, 30), HANOI, ("iso",)),
        (date(2026, 1, 15), HANOI, ("iso",)),
        ("2026-01-15 00:00:00", HANOI, ("iso",)),
        ("2026-01-15T00:00:00+07:00", HANOI, ("iso",)),
        ("2026-01-14T17:00:00Z", HANOI, ("iso",)),  # midnight there, as a browser writes it
        ("2026-01-15T00:00:00Z", HANOI, ("iso",)),
        ("2026-01-15T00:00:00Z", CHICAGO, ("iso",)),  # the day before there, and plainly this day is meant
        (datetime(2026, 1, 15, tzinfo=UTC), CHICAGO, ("iso",)),
        ("15/01/2026 12:00:00 AM", CHICAGO, ("%d/%m/%Y %I:%M:%S %p",)),
        ("1768410000", HANOI, ("epoch_s",)),
    ],
)
def test_a_value_that_is_a_day_ends_or_begins_with_it(cell: Cell, zone: ZoneInfo, formats: tuple[str, ...]) -> None:
    term = to_instant(cell, Clock(zone, formats, end_of_day=True, days=True))
    assert term == datetime(2026, 1, 15, 23, 59, 59, 999999, tzinfo=zone)
    assert to_instant(cell, Clock(zone, formats, days=True)) == datetime(2026, 1, 15, tzinfo=zone)


def test_a_format_of_midnight_says_days_of_typed_cells_too() -> None:
    clock = Clock(HANOI, ("%Y-%m-%d 00:00:00", "iso"), end_of_day=True)
    end = datetime(2026, 1, 15, 23, 59, 59, 999999, tzinfo=HANOI)
    assert to_instant(datetime(2026, 1, 15), clock) == to_instant("2026-01-15 00:00:00", clock) == end
    assert to_instant(datetime(2026, 1, 15, 8), clock) == datetime(2026, 1, 15, 8, tzinfo=HANOI)


@pytest.mark.parametrize("digits", [6, 7, 8, 9, 12])
@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("2026-12-31T23:59:59.{}+07:00", "iso"),
        ("2026-12-31 23:59:59,{}", "iso"),
        ("31/12/2026 23:59:59.{}", "%d/%m/%Y %H:%M:%S.%f"),
    ],
)
def test_a_fraction_is_cut_and_never_rounded_into_the_next_year(text: str, pattern: str, digits: int) -> None:
    read = to_instant(text.format("9" * digits), Clock(ZoneInfo("Asia/Ho_Chi_Minh"), (pattern,)))
    assert read == datetime(2026, 12, 31, 16, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize("at", ["23:59:60", "24:00:00", "24:00"])
def test_a_leap_second_and_the_hour_24_are_refused(at: str) -> None:
    clock = Clock(ZoneInfo("Asia/Ho_Chi_Minh"), ("iso", "%Y-%m-%d %H:%M:%S"))
    with pytest.raises(ValueError, match="is not a date or time"):
        to_instant(f"2026-12-31 {at}", clock)
