import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import click
import pytest
from click.testing import CliRunner, Result

from cli.settings import Settings
from cli.simulate import command as simulate
from schemas.events import Event, Received


class Sink:
    """A publisher that keeps what it is given, and at `stop_at` events is sent a signal."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.acknowledged = 0
        self.stop_at = 0

    def publish(self, event: Event) -> None:
        self.events.append(event)
        if len(self.events) == self.stop_at:
            os.kill(os.getpid(), signal.SIGTERM)

    def flush(self, _timeout: float | None = None) -> None:
        self.acknowledged = len(self.events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    sink = Sink()
    monkeypatch.setattr("cli.simulate.connect", lambda *_: sink)
    yield sink
    assert sink.acknowledged == len(sink.events)


def run(*arguments: str) -> Result:
    settings = Settings.from_env({"DOSSIER_KAFKA": "unused:1"})
    return CliRunner().invoke(simulate, [*arguments], obj=settings, standalone_mode=False)


@pytest.mark.slow
def test_a_history_has_exactly_so_many_dossiers_and_repeats_itself(sink: Sink) -> None:
    arguments = ["--history", "2026-01-05..2026-02-05", "--dossiers", "500", "--until", "2026-06-01"]
    result = run(*arguments)
    assert result.exception is None
    first = list(sink.events)
    assert len({event.dossier for event in first if isinstance(event, Received)}) == 500
    assert f"{len(first):,} events published, {len(first):,} acknowledged" in result.stdout
    run(*arguments)
    assert sink.events == first * 2


def test_live_traffic_stops_after_so_many_events(sink: Sink) -> None:
    assert run("--rate", "5000", "--events", "250").exception is None
    assert len(sink.events) == 250


def test_live_traffic_is_reproducible_from_seed_and_start(sink: Sink) -> None:
    for _ in range(2):
        run("--rate", "100000", "--events", "300", "--start", "2026-01-05T08:00", "--seed", "7")
    assert sink.events[:300] == sink.events[300:]


def test_live_traffic_stops_before_an_instant(sink: Sink) -> None:
    run("--rate", "1000", "--start", "2026-01-05T08:00:00", "--until", "2026-01-05T08:00:00.1")
    assert len(sink.events) == 100


def test_a_signal_is_the_ordinary_end_of_traffic_that_has_no_other(sink: Sink) -> None:
    sink.stop_at = 50
    result = run("--rate", "10000")
    assert (result.exception, result.return_value) == (None, None)
    assert len(sink.events) == 50


def test_a_signal_before_the_end_is_told_by_the_exit_code(sink: Sink) -> None:
    sink.stop_at = 50
    assert run("--history", "2026-01-05..2026-02-05", "--dossiers", "500").return_value == 143


def test_reference_data_is_written_and_nothing_published(sink: Sink, tmp_path: Path) -> None:
    result = run("--reference", str(tmp_path), "--agencies", "12")
    assert result.stdout.split() == [str(tmp_path / f"{kind}.csv") for kind in ("agencies", "procedures", "officials")]
    assert sink.events == []
    again = run("--reference", str(tmp_path), "--agencies", "13")
    assert isinstance(again.exception, click.UsageError)
    assert f"{tmp_path / 'agencies.csv'} exists with other content" in again.exception.format_message()
    codes = {line.split(",")[0] for line in (tmp_path / "agencies.csv").read_text().splitlines()}
    run("--tree", "--agencies", "12", "--history", "2025-06-05..2025-07-05", "--dossiers", "100")
    assert {event.agency for event in sink.events if isinstance(event, Received)} <= codes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dossiers", "5"], "--dossiers goes with --history"),
        (["--history", "2026-01-05"], "is not FROM..TO"),
        (["--history", "2026-02-05..2026-01-05"], "ends before it begins"),
        (["--history", "2026-02-05..soon"], "'soon' is not an ISO 8601 date"),
        (["--history", "2090-01-01..2090-02-01"], "lies partly in the future"),
        (["--history", "2026-01-05..2026-02-05", "--start", "2026-01-05"], "--start is for live traffic"),
        (["--start", "2090-01-01"], "lies in the future"),
        (["--rate", "0"], "not in the range 0<x<="),
    ],
)
def test_wrong_usage_publishes_nothing(sink: Sink, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, click.UsageError)
    assert message in result.exception.format_message()
    assert sink.events == []
