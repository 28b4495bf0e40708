"""What a load of a calendar would change, as people read it."""

from datetime import date

from schemas.reference.changes import summary
from schemas.working_time.rule_changes import calendar_changes
from tests.schemas.working_time.calendars import on, schedule

SATURDAYS = schedule("6-6", "07:30-11:30", kind="half", agency="H26.17", name="Sáng thứ Bảy")
STORM = on("2026-06-08", "off", agency="H26", name="Bão", source="QĐ 1")


def test_rules_are_added_removed_and_changed_by_the_day_from_which_they_hold() -> None:
    later = on("2026-06-08", "half", agency="H26", name="Bão", source="QĐ 2")
    swap = on("2026-01-10", "worked", applies_to="working")
    changes = calendar_changes([SATURDAYS, STORM], [swap, later])
    assert [str(change) for change in changes] == [
        "sat from 2000-01-01 of H26.17: removed: half 07:30-11:30 'Sáng thứ Bảy'",
        "2026-01-10 for working: added: worked",
        "2026-06-08 of H26: changed from off 'Bão' ('QĐ 1') to half 'Bão' ('QĐ 2')",
    ]
    assert summary(changes) == "1 added, 1 removed, 1 changed"


def test_ends_and_cut_offs_are_said_where_they_are_not_the_usual_ones() -> None:
    summer = schedule("1-5", "07:00-11:00", last=date(2026, 10, 15), same_day_until=870)
    leave = on("2026-02-16", "off", until="2026-02-20")
    assert [change.text for change in calendar_changes([], [summer, leave])] == [
        "added: worked 07:00-11:00 until 2026-10-15 same day until 14:30",
        "added: off until 2026-02-20",
    ]


def test_the_order_of_rows_is_no_change() -> None:
    assert calendar_changes([SATURDAYS, STORM], [STORM, SATURDAYS]) == []
