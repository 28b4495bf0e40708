import csv
import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import click
import openpyxl
import pytest
from click.testing import CliRunner, Result

from cli.import_ import command as import_command
from cli.settings import Settings
from connectors.errors import TooManyRejects, WrongMapping
from schemas.events import Event
from streams.storage.counting_progress import Lag

SAMPLES = Path(__file__).parents[2] / "samples"
MAPPING = str(SAMPLES / "wabo-receipt.toml")
LOG = str(SAMPLES / "wabo-receipt.csv")


class Sink:
    """A publisher that keeps what it is given, and at `stop_at` events is sent a signal."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.flushed = 0
        self.stop_at = 0
        self.signal = signal.SIGINT

    def publish(self, event: Event) -> None:
        self.events.append(event)
        if len(self.events) == self.stop_at:
            os.kill(os.getpid(), self.signal)

    def flush(self, _timeout: float | None = None) -> None:
        self.flushed = len(self.events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_env({"DOSSIER_DATA": str(tmp_path / "data"), "DOSSIER_KAFKA": "unused:1"})


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    sink = Sink()
    monkeypatch.setattr("cli.dry_run.connect", lambda *_: sink)
    monkeypatch.setattr("cli.import_.import_number", lambda *_: 0)
    yield sink
    assert sink.flushed == len(sink.events)


def run(settings: Settings, *arguments: str, content: bytes | None = None) -> Result:
    return CliRunner().invoke(import_command, [*arguments], obj=settings, input=content, standalone_mode=False)


def summary(result: Result) -> dict[str, int]:
    found = re.findall(r"^(rows|events|repeats|rejects) +([\d,]+)", result.stdout, re.MULTILINE)
    return {name: int(number.replace(",", "")) for name, number in found}


@pytest.mark.slow
def test_the_sample_is_published_and_summed_up(settings: Settings, sink: Sink) -> None:
    result = run(settings, LOG, "--mapping", MAPPING)
    assert result.exception is None
    assert summary(result) == {"rows": 4321, "events": 6416, "repeats": 10533, "rejects": 0}
    assert len(sink.events) == 6416
    assert {event.recorded_at for event in sink.events} == {datetime(2012, 1, 31, 23, tzinfo=UTC)}
    assert not (settings.data / "rejects").exists()


@pytest.mark.slow
def test_a_dry_run_needs_no_kafka_and_says_so(tmp_path: Path) -> None:
    settings = Settings.from_env({"DOSSIER_DATA": str(tmp_path)})
    result = run(settings, LOG, "--mapping", MAPPING, "--dry-run")
    assert summary(result)["events"] == 6416
    assert "not published: dry run" in result.stdout


@pytest.mark.slow
def test_as_of_beats_the_mapping_and_is_local_to_it(settings: Settings, sink: Sink) -> None:
    run(settings, LOG, "--mapping", MAPPING, "--as-of", "2012-03-01")
    assert {event.recorded_at for event in sink.events} == {datetime(2012, 2, 29, 23, tzinfo=UTC)}


@pytest.fixture
def plain(tmp_path: Path) -> list[str]:
    """A file and a mapping that do not say when it was exported."""
    (tmp_path / "log.csv").write_text("id,at,told\na,2026-01-05,2026-01-06\nb,2026-01-05,\n")
    os.utime(tmp_path / "log.csv", (1_767_657_600, 1_767_657_600))
    (tmp_path / "plain.toml").write_text(
        """
        source = "s"
        time_zone = "UTC"
        dossier = { column = "id" }
        recorded_at = { column = "told" }
        [[events]]
        kind = "returned"
        occurred_at = { column = "at" }
        """
    )
    return [str(tmp_path / "log.csv"), "--mapping", str(tmp_path / "plain.toml")]


def test_a_column_says_when_it_was_told_and_else_the_age_of_the_file(
    settings: Settings, sink: Sink, plain: list[str]
) -> None:
    run(settings, *plain)
    assert [event.recorded_at for event in sink.events] == [
        datetime(2026, 1, 6, tzinfo=UTC),
        datetime.fromtimestamp(1_767_657_600, UTC),
    ]


def test_as_of_beats_the_column(settings: Settings, sink: Sink, plain: list[str]) -> None:
    run(settings, *plain, "--as-of", "2026-02-01T00:00:00Z")
    assert {event.recorded_at for event in sink.events} == {datetime(2026, 2, 1, tzinfo=UTC)}


@pytest.mark.slow
def test_standard_input_is_read_when_the_format_is_told(settings: Settings, sink: Sink) -> None:
    result = run(settings, "-", "--format", "csv", "--mapping", MAPPING, content=Path(LOG).read_bytes())
    assert summary(result)["events"] == len(sink.events) == 6416


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as-of", "soon"], "'soon' is not a date or time"),
        (["--as-of", "2999-01-01"], "lies in the future"),
        (["--rejects", LOG], "is the file that is to be imported"),
        (["--max-rejects", "2"], "0<=x<=1"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_published(
    settings: Settings, sink: Sink, arguments: list[str], message: str
) -> None:
    result = run(settings, LOG, "--mapping", MAPPING, *arguments)
    assert isinstance(result.exception, click.UsageError)
    assert message in result.exception.format_message()
    assert sink.events == []
    assert Path(LOG).stat().st_size > 1_000_000


def test_a_mapping_that_does_not_fit_the_file_is_told_before_kafka_is_needed(tmp_path: Path) -> None:
    settings = Settings.from_env({"DOSSIER_DATA": str(tmp_path)})
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    result = run(settings, str(tmp_path / "other.csv"), "--mapping", MAPPING)
    assert isinstance(result.exception, WrongMapping)
    assert "other.csv: the mapped column 'case:concept:name' is not there" in str(result.exception)


@pytest.mark.slow
@pytest.mark.usefixtures("sink")
def test_rejects_are_beside_the_data_and_the_summary_says_where(settings: Settings, tmp_path: Path) -> None:
    lines = Path(LOG).read_text().splitlines(keepends=True)
    lines[7] = lines[7].replace("Internet", "Fax").replace("Desk", "Fax")
    (tmp_path / "log.csv").write_text("".join(lines))
    result = run(settings, str(tmp_path / "log.csv"), "--mapping", MAPPING)
    assert summary(result)["rejects"] == 1
    (path,) = (settings.data / "rejects").glob("log.csv-*.csv")
    assert str(path) in result.stdout
    with path.open(newline="") as file:
        (reject,) = csv.DictReader(file)
    assert (reject["line"], reject["column"], reject["value"]) == ("8", "case:channel", "Fax")
    assert reject["row"] == lines[7].strip()


@pytest.mark.slow
@pytest.mark.usefixtures("sink")
def test_an_earlier_imports_rejects_do_not_stay_in_the_file_that_was_named(settings: Settings, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    rejects.write_text("of an earlier import")
    assert run(settings, LOG, "--mapping", MAPPING, "--rejects", str(rejects)).exception is None
    assert not rejects.exists()


def test_too_many_rejects_end_it_and_what_was_published_stays(settings: Settings, sink: Sink, tmp_path: Path) -> None:
    lines = Path(LOG).read_text().splitlines(keepends=True)
    lines[200:] = [line.replace("Internet", "Fax") for line in lines[200:]]
    (tmp_path / "log.csv").write_text("".join(lines))
    result = run(settings, str(tmp_path / "log.csv"), "--mapping", MAPPING)
    assert isinstance(result.exception, TooManyRejects)
    assert result.exception.exit_code == 4
    assert 0 < summary(result)["events"] == len(sink.events) < 1000
    sink.flushed = len(sink.events)  # leaving the publisher's block flushes


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_flushes_and_says_how_far_it_got(
    settings: Settings, sink: Sink, number: signal.Signals, code: int
) -> None:
    sink.stop_at, sink.signal = 1000, number
    result = run(settings, LOG, "--mapping", MAPPING)
    # Without click's standalone mode an exit's code is the return value.
    assert result.return_value == code
    rows = summary(result)["rows"]
    assert f"stopped after row {rows}" in result.stderr
    assert sink.flushed == len(sink.events) >= 1000
    assert 0 < rows < 4321


@pytest.mark.slow
def test_waiting_ends_when_everything_is_counted(
    settings: Settings, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_until_counted(kafka: object, clickhouse: object, on_progress: object) -> Lag:
        assert (kafka, clickhouse) == (settings.kafka, "clickhouse")
        assert sink.flushed == 6416
        for counted in (1, 2):
            on_progress(Lag(counted, 2))  # type: ignore[operator]
        return Lag(2, 2)

    monkeypatch.setattr("streams.storage.counting_progress.wait_until_counted", wait_until_counted)
    monkeypatch.setattr(Settings, "clickhouse", "clickhouse")
    result = run(settings, LOG, "--mapping", MAPPING, "--wait")
    assert result.exception is None
    assert result.stdout.endswith("everything published so far is counted\n")


def test_a_workbook_is_imported_and_its_rejects_again(settings: Settings, sink: Sink, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["id", "at", "due"])
    for number in range(40):
        book.active.append([f"D-{number}", datetime(2026, 1, 5), datetime(2026, 1, 20) if number else "soon"])
    book.save(tmp_path / "log.xlsx")
    text = """
    source = "s"
    time_zone = "UTC"
    dossier = { column = "id" }
    [[events]]
    kind = "received"
    occurred_at = { column = "at" }
    fields = { agency = "A" }
    [[events]]
    kind = "term_set"
    occurred_at = { column = "at" }
    fields = { term = { column = "due", empty = [] } }
    """
    (tmp_path / "m.toml").write_text(text)
    arguments = ["--mapping", str(tmp_path / "m.toml"), "--rejects", str(tmp_path / "r.csv")]
    result = run(settings, str(tmp_path / "log.xlsx"), *arguments)
    assert result.exception is None
    assert summary(result) == {"rows": 40, "events": 79, "repeats": 0, "rejects": 1}
    assert re.findall(r"^  (\w+) +(\d+)$", result.stdout, re.MULTILINE) == [("received", "40"), ("term_set", "39")]
    assert "warning: all 39 terms in 'due' are at midnight" in result.stderr
    with (tmp_path / "r.csv").open(newline="") as file:
        (reject,) = csv.DictReader(file)
    assert (reject["place"], reject["value"]) == ("Sheet!C2", "soon")
    (tmp_path / "m.toml").write_text(text.replace("empty = []", 'empty = ["soon"]'))
    result = run(settings, str(tmp_path / "r.csv"), "--mapping", str(tmp_path / "m.toml"))
    assert summary(result) == {"rows": 1, "events": 1, "repeats": 0, "rejects": 0}
    assert sink.events[-1] == sink.events[0]


def test_an_encoding_may_be_said_for_one_file(settings: Settings, sink: Sink, plain: list[str]) -> None:
    Path(plain[0]).write_bytes("id,at,told\nĐ-1,2026-01-05,2026-01-06\n".encode("cp1258"))
    assert isinstance(run(settings, *plain).exception, TooManyRejects)
    assert run(settings, *plain, "--encoding", "cp1258").exception is None
    assert [event.dossier for event in sink.events] == ["Đ-1"]
    result = run(settings, *plain, "--encoding", "hex")
    assert isinstance(result.exception, click.UsageError)
    assert "encoding = 'hex' is not known" in result.exception.format_message()


def test_an_event_that_never_comes_is_a_warning_unless_the_import_was_stopped(
    settings: Settings, sink: Sink, plain: list[str]
) -> None:
    mapping = Path(plain[2])
    mapping.write_text(mapping.read_text() + 'when = { column = "id", one_of = ["B"] }\n')
    assert "warning: no row gave returned: its `when` waits for 'B' in 'id', which holds 'a', 'b'" in (
        run(settings, *plain).stderr
    )
    assert sink.events == []


def test_a_last_line_that_standard_input_ends_within_is_not_counted_and_told(
    settings: Settings, sink: Sink, tmp_path: Path
) -> None:
    cut = Path(LOG).read_bytes()[:100_000]
    assert not cut.endswith(b"\n")
    rejects = str(tmp_path / "rejects.csv")
    arguments = ["-", "--format", "csv", "--mapping", MAPPING, "--rejects", rejects]
    result = run(settings, *arguments, content=cut)
    assert summary(result)["rejects"] == 1
    assert "the last line has no line end and was not published: the input may have been cut off" in result.stderr
    with Path(rejects).open(newline="") as file:
        (reject,) = csv.DictReader(file)
    assert (int(reject["line"]), reject["row"].encode()) == (cut.count(b"\n") + 1, cut.rpartition(b"\n")[2])
    assert "has no line end" in reject["reason"]
    assert sink.events


@pytest.mark.slow
@pytest.mark.usefixtures("sink")
def test_a_last_line_without_an_end_counts_in_a_file_and_where_the_input_is_said_to_be_whole(
    settings: Settings, tmp_path: Path
) -> None:
    whole = Path(LOG).read_bytes().removesuffix(b"\n")
    (tmp_path / "log.csv").write_bytes(whole)
    told = run(settings, "-", "--format", "csv", "--mapping", MAPPING, "--whole", content=whole)
    kept = run(settings, str(tmp_path / "log.csv"), "--mapping", MAPPING)
    for result in (told, kept):
        assert summary(result) == {"rows": 4321, "events": 6416, "repeats": 10533, "rejects": 0}
        assert "line end" not in result.stderr


@pytest.mark.usefixtures("sink")
@pytest.mark.parametrize("whole", [[], ["--whole"]])
def test_an_array_that_standard_input_ends_within_is_told(settings: Settings, tmp_path: Path, whole: list[str]) -> None:
    (tmp_path / "m.toml").write_text(
        'source = "s"\ntime_zone = "UTC"\ndossier = { column = "id" }\n'
        '[[events]]\nkind = "returned"\noccurred_at = { column = "at" }\n'
    )
    arguments = ["-", "--format", "json", "--mapping", str(tmp_path / "m.toml"), *whole]
    content = b'[{"id":"a","at":"2026-01-05"},{"id":"b","at":"2026-01-05"},{"id":'
    result = run(settings, *arguments, content=content)
    assert summary(result)["events"] == 2
    assert "the last value is never closed and was not published: the input was cut off" in result.stderr


@pytest.mark.usefixtures("sink")
def test_a_warning_shows_what_a_file_holds_and_does_not_obey_it(settings: Settings, plain: list[str]) -> None:
    mapping = Path(plain[2])
    marks = "\\u0316" * 60
    mapping.write_text(mapping.read_text() + f'when = {{ column = "id", one_of = ["B\\u001b[2J{marks}"] }}\n')
    (warning,) = [line for line in run(settings, *plain).stderr.splitlines() if line.startswith("warning: ")]
    assert warning.isprintable()
    assert "waits for 'B\\x1b[2J" in warning
    assert warning.count("\u0316") == 4  # more of them cover the lines around
