from datetime import date

from msgspec import structs

from schemas.reference.procedure import ProcedureVersion
from schemas.working_time.built_in import built_in_calendar
from schemas.working_time.duration import Duration
from streams.on_time.promise import Promise, promise_of
from tests.streams.on_time.told import micros

DESK = ProcedureVersion(
    code="1.000894",
    name_vi="Đăng ký kết hôn",
    service_level="full",
    channel="direct",
    term=3,
    unit="working days",
    valid_to=date(2026, 6, 30),
)
ONLINE = structs.replace(DESK, channel="online", term=2)
FROM_JULY = structs.replace(
    DESK, channel="", term=8, unit="working hours", valid_from=date(2026, 7, 1), valid_to=date.max
)
VERSIONS = [DESK, ONLINE, FROM_JULY]


def test_a_dossier_keeps_the_version_of_its_reception_and_channel() -> None:
    assert promise_of(VERSIONS, "direct", date(2026, 6, 30)) == Promise(Duration(3, "working days"))
    assert promise_of(VERSIONS, "online", date(2026, 6, 30)) == Promise(Duration(2, "working days"))
    assert promise_of(VERSIONS, "online", date(2026, 7, 1)) == Promise(Duration(8, "working hours"))


def test_nothing_is_promised_where_no_version_is_valid_or_it_has_no_term() -> None:
    assert promise_of(VERSIONS, "postal", date(2026, 6, 30)) is None
    assert promise_of([], "direct", date(2026, 6, 30)) is None
    assert promise_of([structs.replace(DESK, term=None, unit="")], "direct", date(2026, 6, 30)) is None


def test_a_term_beyond_all_calendars_is_none() -> None:
    received = micros("2099-12-30 09:00")
    assert Promise(Duration(1, "working days")).due(received, built_in_calendar()) == micros("2099-12-31 09:00")
    assert Promise(Duration(30, "working days")).due(received, built_in_calendar()) is None
    assert Promise(Duration(1, "working days")).due(micros("2099-12-31 23:00"), built_in_calendar()) is None


def test_a_promise_of_the_same_day_depends_on_the_hour() -> None:
    promise = Promise(Duration(1, "working days"), same_day=True)
    assert promise.due(micros("2026-03-10 15:00"), built_in_calendar()) == micros("2026-03-10 17:00")
    assert promise.due(micros("2026-03-10 15:01"), built_in_calendar()) == micros("2026-03-11 17:00")
