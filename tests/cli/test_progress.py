"""Progress as it is shown."""

import io
from functools import partial

import pytest
from rich.console import Console

from cli.progress import PLAIN_SECONDS, Display


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


def test_where_nobody_looks_a_line_is_written_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    with Display(clock=lambda: now) as display:
        for count in range(1, 101):
            now += 0.21
            display.tick(partial("{} rows [of 100]".format, count))
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [f"{n} rows [of 100]" for n in (24, 48, 72, 96)]
    assert PLAIN_SECONDS == 5.0


def test_on_a_terminal_the_line_is_renewed_in_place() -> None:
    now = 0.0
    terminal = io.StringIO()
    with Display(Console(file=terminal, force_terminal=True, width=100), lambda: now) as display:
        for count in range(4):
            now += 0.15
            display.tick(partial("{} rows [of 4]".format, count))
    assert "3 rows [of 4]" in terminal.getvalue()
    assert "0 rows" not in terminal.getvalue()  # too soon after the start
    assert not terminal.getvalue().endswith("rows [of 4]\n")  # nothing of it stays
