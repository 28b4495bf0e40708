from datetime import datetime

import pytest
from rich.console import Console

from cli.wallboard import Reading, frame
from grafana.thresholds import FIGURES

SMALL, LARGE = (80, 24), (120, 40)
FIGURE_VALUES: dict[str, object] = {
    "overdue": 12,
    "late": 140,
    "overall_on_time_rate": 0.985,
    "open": 4300,
    "on_time": 1200,
    "received": 1711,
    "online_rate": 0.45,
    "online_payment_rate": None,
    "digitisation_rate": 0.8,
    "satisfaction_rate": 0.93,
    "feedback_on_time_rate": 0.1,
}
RULE = "Quyết định 766 / Decision 766"
VALUES = FIGURE_VALUES | {f"{name}_trend": "▲ 3 (9)" for name in FIGURE_VALUES} | {"rule": RULE}


def shown(reading: Reading, size: tuple[int, int] = LARGE) -> list[str]:
    console = Console(width=size[0], height=size[1], color_system=None)
    with console.capture() as capture:
        console.print(frame(reading, "day", size, "q"))
    return capture.get().splitlines()


def line(lines: list[str], start: str) -> str:
    (found,) = [each for each in lines if each.strip().startswith(start)]
    return found


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_all_eleven_figures_fit_the_worst_first(size: tuple[int, int]) -> None:
    lines = shown(Reading(VALUES, 3), size)
    assert len(lines) <= size[1]
    assert all(len(each) <= size[0] for each in lines)
    assert line(lines, "So hạn theo").strip() == f"So hạn theo / terms compared by: {RULE}"
    names = [each.strip().split("  ")[0].split(" / ")[0] for each in lines]
    assert [name for name in names if name in {figure.vietnamese for figure in FIGURES}] == [
        figure.vietnamese for figure in FIGURES
    ]


def test_a_figure_has_its_value_a_word_and_what_it_was() -> None:
    lines = shown(Reading(VALUES, 3))
    late = line(lines, "Đã giải quyết quá hạn")
    assert all(part in late for part in ("140", "CHƯA ĐẠT / missed", "▲ 3 (9)"))
    assert "98.5%" in line(lines, "Tỷ lệ đúng hạn chung")
    assert "ĐẠT / met" in line(lines, "Tỷ lệ số hóa hồ sơ")
    assert "CHÚ Ý / watch" in line(lines, "Tỷ lệ hồ sơ trực tuyến")


def test_an_empty_denominator_is_said_and_is_no_percentage() -> None:
    unpaid = line(shown(Reading(VALUES, 3)), "Tỷ lệ thanh toán trực tuyến")
    assert "không có hồ sơ / no dossiers" in unpaid
    assert "%" not in unpaid


@pytest.mark.parametrize(
    ("age", "word"), [(3, "ĐẠT / met"), (61, "CHÚ Ý"), (301, "NGỪNG / stopped"), (None, "no data")]
)
def test_the_age_of_the_data_is_told_in_words(age: int | None, word: str) -> None:
    assert word in line(shown(Reading(VALUES, age)), "Dữ liệu cập nhật cách đây")


def test_a_database_that_is_away_leaves_the_figures_and_says_since_when() -> None:
    lines = shown(Reading(VALUES, 3, datetime(2026, 3, 2, 8, 5), "ClickHouse at db:9000 does not answer"))
    assert "140" in line(lines, "Đã giải quyết quá hạn")
    assert "08:05:00" in line(lines, "KHÔNG ĐỌC ĐƯỢC")
    assert "ClickHouse at db:9000 does not answer" in line(lines, "KHÔNG ĐỌC ĐƯỢC")
