"""Procedures of which a dossier would have no version, or two."""

from datetime import date
from typing import Any

from schemas.reference.procedure import CHANNELS, FeeLine, ProcedureVersion, bears_fee
from schemas.reference.procedure_checks import procedure_flaws

END, NEXT = date(2025, 6, 30), date(2025, 7, 1)


def version(code: str = "1.0", **fields: Any) -> ProcedureVersion:
    return ProcedureVersion(code=code, name_vi="Thủ tục", levels=("commune",), service_level="full", **fields)


def found(*versions: ProcedureVersion) -> list[tuple[int, str, str, str, int | None]]:
    return [(flaw.row, flaw.column, flaw.value, flaw.wrong, flaw.other) for flaw in procedure_flaws(versions)]


def test_one_version_for_all_channels_then_one_for_each() -> None:
    later = [version(valid_from=NEXT, channel=channel, term=3, unit="working days") for channel in CHANNELS]
    assert not found(version(valid_to=END), *later)


def test_a_version_for_all_channels_overlaps_that_of_one() -> None:
    assert found(version(valid_to=END), version(channel="online", valid_from=END)) == [
        (1, "valid_from", "2025-06-30", "overlaps another version of the code", 0)
    ]


def test_channels_do_not_overlap_each_other() -> None:
    assert not found(version(channel="online"), version(channel="direct", valid_from=NEXT))


def test_a_channel_that_has_no_version_for_a_while() -> None:
    assert found(version(valid_to=END), version(channel="postal", valid_from=date(2025, 8, 1))) == [
        (1, "valid_from", "2025-08-01", "leaves the code without a version from 2025-07-01 until 2025-07-31", 0)
    ]


def test_codes_that_have_lost_zeros() -> None:
    wrong = "has lost zeros at its end, unlike '1.001193': keep the column as text in the spreadsheet"
    assert found(version("2.00029"), version("1.001193")) == [(0, "code", "2.00029", wrong, None)]
    assert not found(version("2.00029"), version("G1"))


def test_terms_and_units_come_together() -> None:
    assert found(version("1", term=3), version("2", unit="days"), version("3", term=0, unit="days")) == [
        (0, "term", "3", "has no unit", None),
        (1, "unit", "days", "has no term", None),
    ]


def test_codes_in_other_case_and_fees_that_end_before_they_begin() -> None:
    fee = FeeLine("Lệ phí", 1, NEXT, END)
    assert found(version("G1"), version("g1", fees=(fee,))) == [
        (1, "code", "g1", "differs only in case from the code 'G1'", 0),
        (1, "fee", "2025-06-30", "is before the day that the fee is due from, 2025-07-01", None),
    ]


def test_a_procedure_bears_a_fee_on_days_with_a_fee_above_zero() -> None:
    waived = (FeeLine("", 0, valid_to=date(2025, 12, 31)), FeeLine("", 37_500, valid_from=date(2026, 1, 1)))
    assert [bears_fee(waived, day) for day in (date(2025, 12, 31), date(2026, 1, 1))] == [False, True]
    assert not bears_fee((), NEXT)
    assert bears_fee((FeeLine("A", 0), FeeLine("B", 1)), NEXT)
