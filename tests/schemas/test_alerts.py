"""Alerts and their levels."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from schemas.alerts import DEFAULT_LEVELS, Alert, by_agency, decode_alert, encode_alert, parse_levels

DAY = timedelta(days=1)


def alert(seq: int, agency: str = "H01.12") -> Alert:
    return Alert(
        seq=seq,
        dossier=f"H01.2026.{seq:06}",
        state="raised",
        level="overdue",
        why="",
        agency=agency,
        procedure="1.004194",
        term=datetime(2026, 3, 2, 10, tzinfo=UTC),
        at=datetime(2026, 3, 2, 10, 0, 1, tzinfo=UTC),
    )


def test_levels_are_named_by_their_distance_from_the_deadline() -> None:
    assert [(level.name, level.after) for level in parse_levels(DEFAULT_LEVELS)] == [
        ("due-3d", -3 * DAY),
        ("due-soon", -DAY),
        ("overdue", timedelta()),
        ("overdue-3d", 3 * DAY),
    ]


def test_levels_come_in_the_order_of_urgency_however_they_are_listed() -> None:
    assert [level.name for level in parse_levels("overdue-90m, overdue, due-2h")] == [
        "due-2h",
        "overdue",
        "overdue-90m",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("late", "'late' is no level"),
        ("due", "'due' is no level"),
        ("due-3", "'due-3' is no level"),
        ("overdue-0d", "'overdue-0d' is no level"),
        ("", "'' is no level"),
        ("overdue,,due-1d", "'' is no level"),
        ("due-1d,due-24h", "due-1d and due-24h are the same level"),
        ("due-24h,due-soon", "due-24h and due-soon are the same level"),
    ],
)
def test_what_names_no_level_is_refused_by_name(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^{complaint}"):
        parse_levels(text)


def test_due_soon_has_the_place_of_a_day_whatever_the_deployment_calls_so() -> None:
    assert [level.name for level in parse_levels("due-2h,due-soon,due-2d")] == ["due-2d", "due-soon", "due-2h"]


def test_an_alert_of_a_former_version_names_no_rule() -> None:
    former = msgspec.json.decode(encode_alert(alert(7)))
    del former["rule"], former["deadline"]
    assert decode_alert(msgspec.json.encode(former)) == alert(7)


def test_an_alert_survives_its_travel() -> None:
    assert decode_alert(encode_alert(alert(7))) == alert(7)


def test_a_field_of_a_later_version_is_passed_over() -> None:
    later = msgspec.json.decode(encode_alert(alert(7))) | {"colour": "red"}
    assert decode_alert(msgspec.json.encode(later)) == alert(7)


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff", b'{"seq":0}'])
def test_what_is_no_alert_is_refused(value: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_alert(value)


def test_alerts_of_an_agency_keep_their_order() -> None:
    mixed = [alert(1, "A"), alert(2, "B"), alert(3, "A")]
    assert by_agency(mixed) == {"A": [mixed[0], mixed[2]], "B": [mixed[1]]}
