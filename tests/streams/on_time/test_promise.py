from datetime import date

from msgspec import structs

from schemas.reference.procedure import ProcedureVersion
from schemas.working_time.duration import Duration
from streams.on_time.promise import promised

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
    assert promised(VERSIONS, "direct", date(2026, 6, 30)) == Duration(3, "working days")
    assert promised(VERSIONS, "online", date(2026, 6, 30)) == Duration(2, "working days")
    assert promised(VERSIONS, "online", date(2026, 7, 1)) == Duration(8, "working hours")


def test_nothing_is_promised_where_no_version_is_valid_or_it_has_no_term() -> None:
    assert promised(VERSIONS, "postal", date(2026, 6, 30)) is None
    assert promised([], "direct", date(2026, 6, 30)) is None
    assert promised([structs.replace(DESK, term=None, unit="")], "direct", date(2026, 6, 30)) is None
