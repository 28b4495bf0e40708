from datetime import date, datetime
from decimal import Decimal

import pytest

from connectors.files.cell_ids import not_shortened, to_id, to_integer_id
from connectors.files.cell_values import Cell, plain, to_text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("H26.17-260105-00012", "H26.17-260105-00012"),
        (20260000.0, "20260000"),
        (-0.0, "0"),
        (2.0**53 - 1, "9007199254740991"),
        (Decimal("20260000.00"), "20260000"),
        (Decimal(10) ** 20, "100000000000000000000"),
        (2**70, str(2**70)),
        ("000.00.00.H56", "000.00.00.H56"),
        ("1.001193", "1.001193"),
        ("12E4", "12E4"),
        ("NA", "NA"),
        ("ế", "ế"),
    ],
)
def test_an_id_is_the_text_that_it_is_or_the_integer_that_a_float_holds(cell: Cell, text: str) -> None:
    assert to_id(cell) == plain(cell) == text


@pytest.mark.parametrize("cell", [2.0**53, 2.617000000000003e16, 1.5, 1.001193, float("inf"), Decimal("1.5")])
def test_a_number_that_may_have_been_another_text_is_no_text(cell: Cell) -> None:
    for convert in (to_id, to_text, to_integer_id, not_shortened):
        with pytest.raises(ValueError, match="is a number that is no integer"):
            convert(cell)


@pytest.mark.parametrize("text", ["2.617E+16", "2,617E+16", "2.617000000000003e+16", "1E+05", "3.0E16", "-1.5e-7"])
def test_a_number_that_a_spreadsheet_shortened_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match=r'last digits are cut; `as = "text"`'):
        to_id(text)
    assert to_text(text) == text


@pytest.mark.parametrize("text", ["NULL", "null", " None ", "NaN", "N/A", "<NA>", "#N/A", "#REF!", "########", r"\N"])
def test_a_word_for_nothing_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="is a word for nothing: list it under `empty`"):
        to_id(text)


@pytest.mark.parametrize("cell", [date(2026, 12, 3), datetime(2026, 12, 3), True, False])
def test_what_a_spreadsheet_made_a_date_or_a_tick_of_is_no_id(cell: Cell) -> None:
    with pytest.raises(ValueError, match='keep it as text in the source, or take it for an id with `as = "text"`'):
        to_id(cell)
    with pytest.raises(ValueError, match="is not an integer"):
        to_integer_id(cell)
    assert to_text(cell) == plain(cell)


def test_a_float_in_text_is_an_id_only_as_the_mapping_says() -> None:
    with pytest.raises(ValueError, match='`as = "integer"` takes its integer'):
        to_id("20260000.0")
    assert to_integer_id("20260000.0") == to_integer_id(20260000.0) == to_integer_id("20260000") == "20260000"
    assert to_text("20260000.0") == "20260000.0"
    with pytest.raises(ValueError, match="is not an integer"):
        to_integer_id("A-1")
