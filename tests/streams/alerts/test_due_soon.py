"""Due soon: by the clock, or by the working hours of each agency."""

from datetime import datetime

from schemas.working_time.built_in import built_in_calendar
from streams.alerts.due_soon import Horizons, horizons
from tests.streams.cases import at
from tests.streams.on_time.lives import UNUSUAL

FRIDAY = at("2026-03-13 15:00")


def soon(now: datetime, unit: str) -> Horizons:
    agencies = {"H01": built_in_calendar(), "H02": UNUSUAL, "H03": UNUSUAL}
    return horizons(4, unit, now, agencies, lambda code: agencies.get(code, built_in_calendar()))  # type: ignore[arg-type]


def test_hours_are_the_same_everywhere() -> None:
    assert soon(FRIDAY, "hours") == Horizons(at("2026-03-13 19:00"), {})


def test_working_hours_go_on_when_work_does_which_agencies_decide() -> None:
    # Two hours are left on Friday; those who work on Saturday from 07:30 have worked two more by 09:30.
    on_saturday = at("2026-03-14 09:30")
    found = soon(FRIDAY, "working hours")
    assert found == Horizons(at("2026-03-16 10:00"), {"H02": on_saturday, "H03": on_saturday})
    assert found.latest == at("2026-03-16 10:00")


def test_time_that_passes_makes_no_horizon_earlier() -> None:
    hours = [at(f"2026-03-{day} {hour:02}:30") for day in (13, 14, 15, 16) for hour in range(24)]
    ends = [soon(now, "working hours").default for now in hours]
    assert ends == sorted(ends)
    assert all(end > now for end, now in zip(ends, hours, strict=True))
