"""Times of day as people write them."""

import pytest

from schemas.working_time.hours import Hours, first_half, in_order, to_hours, to_minute


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("07:30", 450),
        ("7:30", 450),
        ("7h30", 450),
        ("7H", 420),
        ("13g15", 795),
        (" 00:00 ", 0),
        ("23:59", 1439),
        ("15:00:00", 900),
    ],
)
def test_times_of_day(text: str, minute: int) -> None:
    assert to_minute(text) == minute


@pytest.mark.parametrize(
    "text", ["", "7", "24:00", "25:00", "07:60", "7:5", "07.30", "-1:00", "15:00:30", "٠٧:٣٠", "noon", "7:30 PM"]
)
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time of day such as 07:30"):
        to_minute(text)


def test_stretches() -> None:
    assert to_hours("07:30-11:30") == to_hours("7h30 – 11h30") == Hours(450, 690)
    assert str(Hours(450, 690)) == "07:30-11:30"
    for text, wrong in {
        "07:30": "is not a stretch of hours",
        "07:30-": "is not a time of day",
        "07:30-11:30-12:00": "is not a stretch of hours",
        "11:30-07:30": "ends at 07:30, not after 11:30",
        "08:00-08:00": "ends at 08:00, not after 08:00",
    }.items():
        with pytest.raises(ValueError, match=wrong):
            to_hours(text)


def test_stretches_of_a_day_come_in_order_and_with_breaks() -> None:
    morning, afternoon = Hours(480, 720), Hours(780, 1020)
    assert in_order([afternoon, morning]) == (morning, afternoon)
    for other in (Hours(700, 800), Hours(720, 780), morning):
        with pytest.raises(ValueError, match="has no break between"):
            in_order([morning, afternoon, other])


def test_the_first_half_of_a_day() -> None:
    assert first_half((Hours(480, 720), Hours(780, 1020))) == (Hours(480, 720),)
    assert first_half((Hours(480, 960),)) == (Hours(480, 720),)
