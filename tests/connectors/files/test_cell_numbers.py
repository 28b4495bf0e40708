from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.cell_numbers import to_amount, to_whole
from connectors.files.cell_values import Cell


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        *[
            (text, 150_000)
            for text in ("150000", "150000.0", "150.000", "150,000", "150.000 đ", "150000,00", "150 000")
        ],
        *[
            (text, 150_000)
            for text in ("150.000đồng", "150.000 VNĐ", "₫150,000", "150\u00a0000", "150'000", "150.000,0")
        ],
        *[(cell, 150_000) for cell in (150_000, 150_000.0, Decimal("150000.000"))],
        ("1.500.000", 1_500_000),
        ("1,500,000.00", 1_500_000),
        ("36.0", 36),
        ("0", 0),
        ("0.000", 0),
        ("-5", -5),
    ],
)
def test_amounts_as_people_write_them(cell: Cell, amount: int) -> None:
    assert to_amount(cell) == amount


@pytest.mark.parametrize(
    ("cell", "decimal", "times", "amount"),
    [
        ("49.25", None, 100, 4925),
        (49.25, None, 100, 4925),
        (Decimal("49.25"), None, 100, 4925),
        ("1.234,50", ",", 100, 123_450),
        ("150.000", ".", 1, 150),
        ("150.000", ",", 1, 150_000),
        ("150", None, 1000, 150_000),
        ("15000,000", ",", 1, 15_000),
        ("1.500,000", ",", 1, 1500),
    ],
)
def test_a_mapping_says_what_signs_mean_and_what_is_counted(
    cell: Cell, decimal: Literal[".", ","] | None, times: int, amount: int
) -> None:
    assert to_amount(cell, decimal, times) == amount


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        *[(cell, "is not a whole number: say with `times`") for cell in ("49.25", 49.25, Decimal("0.5"), "0.500")],
        *[(text, "can be read in two ways: say with `decimal`") for text in ("15000,000", "1234.567", "1.500,000")],
        *[(text, "thousands are not three digits each") for text in ("1.50.000", "12.345.67", "15 0000", "1..000")],
        *[(text, "is not an amount") for text in ("1.5E+5", "free", "đ", "(5)", "12 x", "$5", "٣", "1" * 60, "5-", "")],
        *[(cell, "is not an amount") for cell in (True, float("inf"), 2.0**53, Decimal("NaN"))],
    ],
)
def test_an_amount_that_is_not_clear_is_refused(cell: Cell, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        to_amount(cell)


@given(st.integers(0, 10**12), st.sampled_from(".,  '"), st.sampled_from(["", ".0", ",00"]))
def test_thousands_and_noughts_do_not_change_an_amount(amount: int, sign: str, nought: str) -> None:
    text = f"{amount:,}".replace(",", sign)
    if nought[:1] == sign:
        nought = ""
    assert to_amount(text + nought) == amount


@pytest.mark.parametrize("cell", [2.0**53, 1e300, "3.000", "3.5"])
def test_a_whole_number_is_exact(cell: Cell) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        to_whole(cell)
    assert to_whole("3.0") == to_whole(3.0) == to_whole(Decimal("3.00")) == 3
