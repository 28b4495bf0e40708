"""Text that others wrote – sources, files, services – on a terminal: every command shows it, none obeys it."""

import csv
import io
import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len

from cli.doctor import Finding
from cli.logs import JsonLines, TextLines
from cli.terminal_escape import brief, print_json, printable
from cli.wallboard import Reading
from connectors.files.formula_escape import escape_formula
from deploy.embedded.state_file import PlatformState, ProcessState
from grafana.publish.plan import Change
from schemas.alerts import Alert
from streams.audit.findings import Audit, FactsDifference, WindowDifference
from streams.audit.findings import Finding as AuditFinding
from streams.dead_letters.table import DeadLetterGroup, Place, StoredDeadLetter
from streams.errors import Unreachable
from streams.reports.report import FIGURES, LED, RATES, Freshness, Report
from tests.cli.commands import AWAY, Ended, Run

AT = datetime(2026, 3, 2, tzinfo=UTC)
HOSTILE = (
    "=1+1[/b][link=https://evil.example]x[/link][red] :smile: \x1b]0;evil\x07\x1b[2J\x9b31m\r\n\x0bdossier: forged\t"
    "\u202egnp.exe\u2066\u200b\u2028\x00" + "a" + "\u0301" * 60
)
SHOWN = (
    "[/b][link=https://evil.example]x[/link][red] :smile: \\x1b]0;evil\\x07\\x1b[2J\\x9b31m\\r\\n\\x0bdossier: forged"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def figures(agency: str) -> dict[str, Any]:
    return {"agency": agency} | dict.fromkeys((*FIGURES, *LED), 1) | dict.fromkeys(RATES, 0.5)


REPORT = Report(AT, "v1", "instant", [figures(HOSTILE)], figures(""), Freshness(AT, AT, AT))
AUDIT = Audit(
    dossiers=1,
    events=1,
    windows=1,
    window_differences=[WindowDifference(HOSTILE, "2026-03-02 00:00:00", 1, "received", 1, 2)],
    facts_differences=[FactsDifference(HOSTILE, "step", HOSTILE, "x")],
    conflicts=0,
    findings=[AuditFinding("topic", HOSTILE, HOSTILE, HOSTILE)],
)
LETTER = StoredDeadLetter(Place(0, 1, 2), "invalid", HOSTILE, HOSTILE, HOSTILE, AT, "discarded", HOSTILE, False, AT)
ALERT = Alert(
    seq=1,
    dossier=HOSTILE,
    state="cleared",
    level=HOSTILE,
    why=HOSTILE,
    agency=HOSTILE,
    procedure=HOSTILE,
    term=AT,
    at=AT,
)
STATE = PlatformState(
    1, 1.0, AT, "failing", processes=(ProcessState("w", "failing", "l", reason=HOSTILE, tail=(HOSTILE,)),)
)


class DeadLetterTable:
    """Dead letters whose every text is hostile."""

    def __init__(self, _: object) -> None:
        pass

    def groups(self, _: object) -> list[DeadLetterGroup]:
        return [DeadLetterGroup("invalid", HOSTILE, 1)]

    def newest(self, *_: object) -> list[StoredDeadLetter]:
        return [LETTER]

    def contents(self, _: object) -> dict[Place, bytes]:
        return {LETTER.place: HOSTILE.encode()}

    def close(self) -> None:
        pass


def away(*_: object, **__: object) -> None:
    raise Unreachable(f"ClickHouse answers: {HOSTILE}")


COMMANDS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "report": (("report",), {"report.report": lambda *_: REPORT}),
    "report json": (("report", "--json"), {"report.report": lambda *_: REPORT}),
    "audit": (("audit",), {"audit.audit": lambda *_, **__: AUDIT, "audit.record_audit": away}),
    "audit json": (("audit", "--json"), {"audit.audit": lambda *_, **__: AUDIT, "audit.record_audit": away}),
    "dead-letters list": (("dead-letters", "list"), {"dead_letters.list.DeadLetterTable": DeadLetterTable}),
    "dead-letters list json": (
        ("dead-letters", "list", "--json"),
        {"dead_letters.list.DeadLetterTable": DeadLetterTable},
    ),
    "dead-letters show": (("dead-letters", "show", "0@1:2"), {"dead_letters.show.DeadLetterTable": DeadLetterTable}),
    "dead-letters show json": (
        ("dead-letters", "show", "0@1:2", "--json"),
        {"dead_letters.show.DeadLetterTable": DeadLetterTable},
    ),
    "alerts": (("alerts", "list"), {"alerts.newest": lambda *_: (1, [ALERT])}),
    "alerts json": (("alerts", "list", "--json"), {"alerts.newest": lambda *_: (1, [ALERT])}),
    "watch": (("watch", "--once"), {"watch._read": lambda *_: Reading(trouble=HOSTILE)}),
    "doctor": (("doctor",), {"doctor.examine": lambda _: [Finding("wrong", "kafka", HOSTILE, HOSTILE)]}),
    "status": (("status",), {"status.read_state": lambda _: STATE}),
    "migrate": (("migrate",), {"migrate.migrate": lambda *_, **__: [HOSTILE]}),
    "an error": (("rewind",), {"rewind.identify": away}),
    "a wrong argument": (("report", "--from", HOSTILE.replace("\0", "")), {}),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_obeys_what_it_shows(dossier: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    arguments, instead = COMMANDS[name]
    monkeypatch.setenv("COLUMNS", "2000")
    if name in ("report", "watch"):
        monkeypatch.setenv("FORCE_COLOR", "1")  # tables and links as on a terminal
    for place, value in instead.items():
        monkeypatch.setattr(f"cli.{place}", value)
    ended = dossier(*arguments, kafka=AWAY, clickhouse=AWAY)
    assert "Traceback" not in ended.err
    shown = lines(ended)
    assert "evil.example" in "".join(shown)
    assert all(line.isprintable() for line in shown), [line for line in shown if not line.isprintable()]
    assert not any(line.startswith("dossier: forged") for line in shown)
    if "json" in name:
        assert "\\u001b" in ended.out
        json.loads(ended.out)


def lines(ended: Ended) -> list[str]:
    """What was printed, without the colours that are ours."""
    return COLOUR.sub("", ended.out + ended.err).split("\n")


def test_an_import_names_a_files_columns_without_obeying_them(dossier: Run, tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text(
        'source = "s"\ntime_zone = "UTC"\ndossier = { column = "id" }\n[[events]]\nkind = "returned"\n'
        'occurred_at = { column = "at" }\n'
    )
    (tmp_path / "rows.csv").write_text(f'"{HOSTILE[:80]}",at\n1,2\n')
    ended = dossier("import", tmp_path / "rows.csv", "--mapping", tmp_path / "mapping.toml", "--dry-run")
    assert ended.code == 2
    assert "\\x1b]0;evil" in ended.err
    assert all(line.isprintable() for line in lines(ended))


def test_publishing_names_what_is_in_a_grafana_without_obeying_it(capsys: pytest.CaptureFixture[str]) -> None:
    from cli.grafana import _print_change

    _print_change(SimpleNamespace(action="update", kind="dashboard", name=HOSTILE, differences=(HOSTILE,)))  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert out.count(SHOWN) == 2
    assert all(line.isprintable() for line in out.split("\n"))
    assert {"action", "kind", "name", "differences"} <= {*Change.__struct_fields__, *dir(Change)}


@pytest.mark.parametrize("form", [TextLines(), JsonLines()])
def test_a_log_line_is_a_line(form: logging.Formatter) -> None:
    try:
        away()
    except Unreachable as cause:
        try:
            raise OSError(HOSTILE) from cause
        except OSError as error:
            raised = error
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, HOSTILE, (), (OSError, raised, raised.__traceback__))
    record.agency = HOSTILE
    assert all(line.isprintable() for line in form.format(record).split("\n"))


def test_vietnamese_stays_as_it_is_in_both_normal_forms() -> None:
    for name in ("Sở Tài nguyên và Môi trường – Đà Nẵng", "So\u031b\u0309 Ta\u0300i nguye\u0302n"):
        assert printable(name) == name


def test_a_column_is_filled_by_cells_and_not_by_letters() -> None:
    for text in ("Sở", "So\u031b\u0309", "資源局", "\x1b"):
        assert cell_len(printable(text, 8)) == 8
    assert printable("longer than that", 4) == "longer than that"


def test_what_is_brief_has_a_bounded_length() -> None:
    assert brief("x" * 1000) == "x" * 200 + "…"


def test_json_for_a_machine_says_what_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"agency": HOSTILE + "\U0001f600\U000e0001 Sở"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"agency": HOSTILE + "\U0001f600\U000e0001 Sở"}
    assert "Sở" in out
    assert all(line.isprintable() for line in out.split("\n"))


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "'"])
def test_a_cell_that_a_spreadsheet_would_compute_begins_with_a_quote_and_comes_back(first: str) -> None:
    cell = f"{first}cmd|' /c calc'!A1"
    assert escape_formula(cell) == f"'{cell}"
    assert escape_formula(cell)[1:] == cell
    assert escape_formula("Sở = 1") == "Sở = 1"


def test_csv_is_for_people_unless_it_is_to_be_exact(dossier: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.report.report", lambda *_: REPORT)
    rows = [
        list(csv.reader(io.StringIO(dossier("report", "--csv", *more, clickhouse=AWAY).out, newline="")))
        for more in ([], ["--exact"])
    ]
    assert [found[1][0] for found in rows] == ["'" + HOSTILE, HOSTILE]
    assert rows[0][2:] == rows[1][2:]
    assert dossier("report", "--json", "--exact", clickhouse=AWAY).code == 2
