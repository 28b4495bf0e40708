"""The report of procedures: the table of procedures offered online, of all and of those that were used."""

from typing import Any

from streams.reports.procedure_report import Services, services


def rows(number: int, level: str, *, received: int = 0, online: int = 0, **other: Any) -> list[dict[str, Any]]:
    row = {"service_level": level, "field": "Hộ tịch", "is_current": True, "received": received}
    return [row | {"received_online": online} | other] * number


def test_hanoi_in_2020() -> None:
    declared = [
        *rows(1000, "3", received=5, online=2),
        *rows(113, "3"),
        *rows(388, "4", received=7),
        *rows(100, "information", received=1),
        *rows(58, "information", received=1, online=1),
    ]
    assert services(declared) == Services(
        procedures=1659,
        online=1501,
        full=388,
        partial=1113,
        used=1546,
        used_online=1058,
        online_used=1388,
        online_used_online=1000,
    )


def test_the_newer_words_are_the_same_and_procedures_that_are_gone_or_of_another_field_do_not_count() -> None:
    declared = [
        *rows(2, "full", received=1, online=1),
        *rows(3, "partial"),
        *rows(4, "full", received=1, is_current=False),
        *rows(5, "full", field="Đất đai"),
    ]
    assert services(declared, "Hộ tịch") == Services(5, 5, 2, 3, 2, 2, 2, 2)
    assert services([]) == Services(0, 0, 0, 0, 0, 0, 0, 0)
