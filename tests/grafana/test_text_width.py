import pytest

from grafana.text_width import centred, width


@pytest.mark.parametrize(
    ("text", "pixels"),
    # Measured in Chromium with Inter at 100 pixels.
    [("Đang giải quyết quá hạn", 1142), ("Overdue now", 628), ("1,234,567", 462), ("100.0%", 338)],
)
def test_a_text_is_as_wide_as_the_browser_makes_it(text: str, pixels: float) -> None:
    assert width(text, 100) == pytest.approx(pixels, rel=0.03)


def test_letters_with_marks_are_as_wide_as_without() -> None:
    assert width("ếắộ", 10) == width("eao", 10)


def test_two_lines_break_between_them_and_nowhere_else() -> None:
    text = centred(("Đang giải quyết", "Being processed"), 26, 442)
    assert [line.replace("\N{NO-BREAK SPACE}", " ").strip() for line in text.split(" ")] == [
        "Đang giải quyết",
        "Being processed",
    ]
    assert centred(("a" * 100, "b"), 26, 100).startswith("a"), "what is too wide is not moved"
