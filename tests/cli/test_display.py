"""Progress as it is shown."""

import io

import pytest
from rich.console import Console

from cli.display import Display


def test_where_nobody_looks_a_task_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(Console(file=io.StringIO())) as display:
        for done in range(0, 5_000_000, 100_000):
            display.advance("Downloading", done, 5_000_000)
        display.advance("Starting", 1, 2)
    display.say("kafka is started again")
    lines = [line.partition(" ")[2] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["Downloading ...", "Starting ...", "kafka is started again"]


def test_on_a_terminal_a_task_is_a_bar_with_its_amount() -> None:
    terminal = io.StringIO()
    with Display(Console(file=terminal, force_terminal=True, width=100)) as display:
        display.advance("Downloading", 2_500_000, 5_000_000)
        display.say("a line [above] the bar")
    assert "2.5 of 5.0 MB" in terminal.getvalue()
    assert "a line [above] the bar" in terminal.getvalue()
