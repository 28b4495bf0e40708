"""Figures of procedures and their fields: exact medians, unused procedures, and codes that nobody declared."""

from datetime import date, timedelta

import pytest

from schemas.connection import ClickHouseConnection
from schemas.events import Event, Received, Resolved, TermSet
from schemas.reference.procedure import FeeLine, ProcedureVersion, ServiceLevel, bears_fee
from schemas.reference.validity import is_valid
from streams.reports.procedure_report import ProcedureReport, Services, procedure_report
from streams.storage.clickhouse_client import database
from tests.streams.cases import INSTANT, at, said
from tests.streams.counted import count
from tests.streams.declared import declare_procedures

pytestmark = pytest.mark.clickhouse


def procedure(code: str, field: str = "", service_level: ServiceLevel = "full", **more: object) -> ProcedureVersion:
    fields = {"code": code, "name_vi": f"Thủ tục {code}", "field": field, "service_level": service_level} | more
    return ProcedureVersion(**fields)  # type: ignore[arg-type]  # what is given is of the right type


DECLARED = [
    procedure("1.1", "Đất đai", "information", channel="direct"),
    procedure("1.1", "Đất đai", "4", channel="online"),
    procedure("1.2", "Đất đai", "3"),
    procedure("2.1", "Hộ tịch", "information"),
    procedure("2.2", "Hộ tịch", "full"),
]


def dossier(name: str, procedure: str, days: int | None, channel: str = "direct") -> list[Event]:
    """One of June 2025, due after five days, resolved after so many."""
    received = said(Received, "2025-06-02 08:00", dossier=name, agency="H01", procedure=procedure, channel=channel)
    events: list[Event] = [received, said(TermSet, "2025-06-02 08:00", dossier=name, term=at("2025-06-07 08:00"))]
    if days is not None:
        events.append(said(Resolved, f"2025-06-{2 + days:02} 08:00", dossier=name))
    return events


EVENTS = [
    *(event for days in range(1, 11) for event in dossier(f"A{days}", "1.1", days, "online")),
    *dossier("B", "1.2", 20),
    *dossier("C", "1.2", None),
    *dossier("D", "2.1", None),
    *dossier("E", "9.9", 3),
]


@pytest.fixture
def counted(clickhouse: ClickHouseConnection) -> ClickHouseConnection:
    count(clickhouse, *EVENTS)
    declare(clickhouse, *DECLARED)
    return clickhouse


def declare(clickhouse: ClickHouseConnection, *procedures: ProcedureVersion) -> None:
    with database(clickhouse) as client:
        declare_procedures(client, procedures)


def rows(found: ProcedureReport, key: str, *columns: str) -> dict[str, tuple[object, ...]]:
    return {row[key]: tuple(row[column] for column in columns) for row in found.rows}


def test_each_procedure_has_its_figures_and_so_have_those_that_were_never_used(counted: ClickHouseConnection) -> None:
    found = procedure_report(counted, INSTANT)
    columns = (
        "received",
        "received_online",
        "resolved",
        "resolved_on_time",
        "median_days",
        "p90_days",
        "open",
        "overdue",
    )
    assert rows(found, "procedure", *columns) == {
        "1.1": (10, 10, 10, 5, 6.0, 10.0, 0, 0),
        "1.2": (2, 0, 1, 0, 20.0, 20.0, 1, 1),
        "2.1": (1, 0, 0, 0, None, None, 1, 1),
        "2.2": (0, 0, 0, 0, None, None, 0, 0),
        "9.9": (1, 0, 1, 1, 3.0, 3.0, 0, 0),
    }
    assert rows(found, "procedure", "field", "service_level", "is_declared")["1.1"] == ("Đất đai", "4", True)
    assert rows(found, "procedure", "name_vi", "field", "is_declared")["9.9"] == ("", "", False)


def test_a_field_has_the_median_of_all_its_dossiers(counted: ClickHouseConnection) -> None:
    found = procedure_report(counted, INSTANT, "field")
    assert rows(found, "field", "received", "resolved", "median_days", "p90_days", "open") == {
        "Đất đai": (12, 11, 6.0, 10.0, 1),
        "Hộ tịch": (1, 0, None, None, 1),
        "": (1, 1, 3.0, 3.0, 0),
    }


def test_procedures_offered_and_used_online_are_counted_against_all(counted: ClickHouseConnection) -> None:
    all_of_them = Services(
        procedures=4, online=3, full=2, partial=1, used=3, used_online=1, online_used=2, online_used_online=1
    )
    assert procedure_report(counted, INSTANT).services == all_of_them
    by_field = procedure_report(counted, INSTANT, "field")
    assert by_field.services == all_of_them
    assert {row["field"]: row["services"] for row in by_field.rows}["Hộ tịch"] == Services(2, 1, 1, 0, 1, 0, 0, 0)


def test_a_span_has_the_receptions_and_the_results_of_its_days(counted: ClickHouseConnection) -> None:
    def figures(first: str, last: str) -> tuple[object, ...]:
        days = at(f"{first} 00:00").date(), at(f"{last} 00:00").date()
        found = procedure_report(counted, INSTANT, "procedure", *days)
        return rows(found, "procedure", "received", "resolved", "median_days")["1.1"]

    assert figures("2025-06-02", "2025-06-02") == (10, 0, None)
    assert figures("2025-06-03", "2025-06-04") == (0, 2, 2.0)


def test_a_day_is_from_its_local_midnight_to_its_last_microsecond(clickhouse: ClickHouseConnection) -> None:
    moments = ("2025-06-01 23:59:59.999999", "2025-06-02 00:00", "2025-06-02 23:59:59.999999", "2025-06-03 00:00")
    events: list[Event] = []
    for number, moment in enumerate(moments):
        received, resolved = f"R{number}", f"O{number}"
        events += dossier(resolved, "resolved", None)[:1]
        events.append(said(Received, moment, dossier=received, agency="H01", procedure="received", channel="direct"))
        events.append(said(Resolved, moment, dossier=resolved))
    count(clickhouse, *events)
    day = date(2025, 6, 2)
    found = procedure_report(clickhouse, INSTANT, "procedure", day, day)
    assert rows(found, "procedure", "received", "resolved") == {"received": (2, 0), "resolved": (4, 2)}


def test_a_procedure_that_is_not_valid_any_more_is_there_only_where_it_was_counted(
    counted: ClickHouseConnection,
) -> None:
    ended = at("2025-12-31 00:00").date()
    declare(counted, procedure("1.1", valid_to=ended), procedure("3.1", valid_to=ended))
    found = procedure_report(counted, INSTANT)
    assert [row["procedure"] for row in found.rows] == ["1.1", "1.2", "2.1", "9.9"]
    assert found.services.procedures == 0


def test_a_dossier_keeps_the_version_of_its_channel_on_the_local_day_of_its_reception(
    clickhouse: ClickHouseConnection,
) -> None:
    waived, merger = date(2025, 12, 31), date(2025, 7, 1)
    old = procedure("1.1", term=20, unit="days", fees=(FeeLine("Lệ phí", 75_000),), valid_to=merger - timedelta(1))
    online = procedure(
        "1.1",
        term=10,
        unit="working days",
        channel="online",
        valid_from=merger,
        valid_to=date(2026, 6, 30),
        fees=(
            FeeLine("a", 0, valid_to=waived),
            FeeLine("a", 30_000, waived + timedelta(1)),
            FeeLine("b", 7_500, waived),
        ),
        components_reusable=("Giấy chứng sinh",),
        electronic_result=True,
    )
    desk = procedure("1.1", term=15, unit="working days", channel="direct", valid_from=merger, fees=(FeeLine("", 1),))
    declare(clickhouse, old, online, desk)
    # The last local minute before a day, and its first; by post there is no version from the merger on.
    minutes = ("2025-06-30 23:59", "2025-07-01 00:00", "2025-12-30 23:59", "2025-12-31 00:00", "2026-01-01 00:00")
    received = {
        f"{channel} {minute}": said(
            Received, minute, dossier=f"{channel} {minute}", agency="H01", procedure="1.1", channel=channel
        )
        for channel in ("online", "direct", "postal")
        for minute in (*minutes, "2026-07-01 00:00")
    }
    count(clickhouse, *received.values(), *dossier("other", "9.9", None))
    with database(clickhouse) as client:
        rows = client.execute(
            "SELECT dossier, is_declared, term, unit, fee, bears_fee, electronic_result, components_reusable "
            "FROM dossier_procedures"
        )
    found = {name: tuple(values) for name, *values in rows}
    for name, event in received.items():
        day = event.occurred_at.astimezone(INSTANT.zone).date()
        valid = [each for each in (old, online, desk) if event.channel in each.channels and is_valid(each, day)]
        assert found[name][4] == (bears_fee(valid[0].fees, day) if valid else None), name
    unknown: tuple[object, ...] = (False, None, "", None, None, None, [])
    assert found["online 2025-06-30 23:59"] == (True, 20, "days", 75_000, True, False, [])
    assert found["online 2025-07-01 00:00"] == (True, 10, "working days", 0, False, True, ["Giấy chứng sinh"])
    assert found["online 2025-12-31 00:00"][3:5] == (7_500, True)
    assert found["online 2026-01-01 00:00"][3:5] == (37_500, True)
    assert found["direct 2026-07-01 00:00"][1:5] == (15, "working days", 1, True)
    assert found["online 2026-07-01 00:00"] == found["postal 2025-07-01 00:00"] == found["other"] == unknown
