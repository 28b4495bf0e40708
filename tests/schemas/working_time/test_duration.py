"""Durations in words."""

from fractions import Fraction

import pytest

from schemas.working_time.duration import Duration, amount_text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (3, "3"),
        (0, "0"),
        (100, "100"),
        (Fraction(5, 2), "2.5"),
        (Fraction(51, 16), "3.1875"),
        (Fraction(-3, 4), "-0.75"),
        (Fraction(16, 15), "16/15"),
    ],
)
def test_amounts_are_shown_exactly(amount: int | Fraction, text: str) -> None:
    assert amount_text(amount) == text
    assert Fraction(text) == amount


def test_durations() -> None:
    assert str(Duration(1, "working days")) == "1 working day"
    assert str(Duration(Fraction(1, 2), "months")) == "0.5 months"
