from collections import Counter

import pytest

from bench.cost_chart import chart, is_exact
from bench.machine import Machine
from bench.page import filled, markdown, shown
from bench.peers.result import HEADINGS, Result, Row, after_kill, cells, with_figures, with_ratios
from bench.peers.throughput import Figures

CELL, OTHER = ("H26.01", 0, "paid"), ("H26.02", 300, "paid")


def row(system: str, cpu: float, wrong: int = 0, killed: str = "", note: str = "") -> Row:
    figures = Figures(2.0, 500_000 / cpu, cpu, 1.0, 100.0)
    return with_figures(Row(system=system, version="1", events=1000, killed=killed, note=note), figures, wrong)


ROWS = (
    row("ours", 20.0, killed="clean"),
    row("floor", 2.0, note="keeps nothing"),
    row("faust", 400.0, 17, killed="+9%"),
)
ABSENT = Row(system="quix", version="3", events=1000, note="not installed: --install does it")


def test_every_figure_is_also_a_ratio_to_the_floor_and_to_ours() -> None:
    ours, floor, faust, quix = with_ratios([*ROWS, ABSENT], "floor", "ours")
    assert faust.to_floor is not None
    assert faust.to_ours is not None
    assert faust.to_floor.cpu_seconds_per_million == 200.0
    assert faust.to_ours.events_per_second == pytest.approx(0.05)
    assert floor.to_floor is not None
    assert floor.to_floor.peak_mb == 1.0
    assert quix.to_ours is None
    assert with_ratios([ours], "floor", "ours")[0].to_floor is None


def test_a_kill_is_clean_where_no_count_changed_and_else_told_by_the_total() -> None:
    undisturbed = Counter({CELL: 60, OTHER: 40})
    assert after_kill(Counter({CELL: 60, OTHER: 40}), undisturbed) == "clean"
    assert after_kill(Counter({CELL: 110, OTHER: 40}), undisturbed) == "+50.00%"
    assert after_kill(Counter({CELL: 59, OTHER: 40}), undisturbed) == "−1.00%"
    assert after_kill(Counter({CELL: 59, OTHER: 41}), undisturbed) == "+0.00%"


def test_a_system_that_was_not_measured_says_why_and_has_no_figures() -> None:
    told = cells(ABSENT)
    assert (told[0], told[-1]) == ("quix", "not installed: --install does it")
    assert set(told[1:-1]) == {"–"}
    assert len(told) == len(HEADINGS) == len(cells(ROWS[0]))


def test_the_chart_has_every_measured_system_and_tells_true_values_of_bars_that_are_cut() -> None:
    machine = Machine(processor="a & b", cores=2, memory_gb=24, system="Linux", python="3.11")
    result = Result(
        machine=machine, kafka="4", command="x", seed=1, events=9, duplicates=1, bytes_per_event=2, rows=(*ROWS, ABSENT)
    )
    drawn = chart(result)
    assert all(f">{name}</text>" in drawn for name in ("ours", "floor", "faust"))
    assert "quix" not in drawn
    assert ">400.0</text>" in drawn
    assert [is_exact(row) for row in (*ROWS, ABSENT)] == [True, False, False, False]


def test_a_section_replaces_what_is_between_its_marks() -> None:
    page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n"
    assert filled(page, "x", "new") == "a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n"
    assert filled(filled(page, "x", "new"), "x", "") == "a\n<!-- x -->\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n"
    with pytest.raises(ValueError, match="no marks of z"):
        filled(page, "z", "new")


def test_tables_are_markdown_with_figures_to_the_right() -> None:
    table = markdown(
        ["name", "count"],
        [["one", shown(1234)], ["two", shown(0.25)], ["more", shown(2.25)], ["three", shown(None)]],
        left=[0],
    )
    assert table == "| name | count |\n| --- | --: |\n| one | 1,234 |\n| two | 0.25 |\n| more | 2.2 |\n| three | – |"
