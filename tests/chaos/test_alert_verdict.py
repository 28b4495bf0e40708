"""What the harness finds wrong with alerts, and what it does not."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from chaos.alert_verdict import wrong_in
from schemas.alerts import Alert
from tests.schemas.test_alerts import alert

DAY = timedelta(days=1)
TERM = datetime(2026, 3, 2, 10, tzinfo=UTC)


def one(seq: int, state: str = "raised", level: str = "overdue") -> Alert:
    return structs.replace(alert(seq), dossier="D1", state=state, level=level)


def test_what_follows_the_rules() -> None:
    longer = TERM + DAY
    said = [one(1, level="due-soon"), one(2), alert(3), one(4, "cleared"), structs.replace(one(5), deadline=longer)]
    assert list(wrong_in(said)) == []


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ([one(1), one(3)], "alert 2 has the number 3"),
        ([one(1), one(2)], "alert 2 raises overdue of D1, of which overdue stands"),
        ([one(1), one(2, level="due-3d")], "alert 2 raises due-3d of D1, of which overdue stands"),
        ([one(1, "cleared")], "alert 1 clears what does not stand"),
        ([one(1), one(2, "cleared"), one(3, "cleared")], "alert 3 clears what does not stand"),
        ([one(1), structs.replace(one(2, "cleared"), deadline=TERM + DAY)], "alert 2 clears what does not stand"),
    ],
)
def test_what_does_not(said: list[Alert], wrong: str) -> None:
    assert list(wrong_in(said)) == [wrong]
