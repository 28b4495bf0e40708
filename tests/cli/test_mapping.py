"""`dossier mapping` needs no service: it checks a mapping, or shows what it makes of a file."""

import json
from pathlib import Path

from tests.cli.commands import MAPPING, ROOT, SAMPLE, Run

EDUCATION = ROOT / "samples" / "education.toml"
RECORDS = ROOT / "samples" / "education.jsonl"


def test_a_sound_mapping(dossier: Run) -> None:
    assert dossier("mapping", "check", EDUCATION)[:2] == (0, f"{EDUCATION} is sound\n")
    assert json.loads(dossier("mapping", "check", MAPPING, "--json").out) == []


def test_everything_that_is_wrong_is_told(dossier: Run, tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text(MAPPING.read_text().replace("channel", "chanel").replace("case:concept:name", "SoCMND"))
    ended = dossier("mapping", "check", file)
    assert ended.code == 1
    assert "'chanel' is no field of this kind" in ended.out
    assert "dossier: 'SoCMND' looks like personal data" in ended.out
    assert f"2 findings in {file}" in ended.out


def test_what_is_no_mapping(dossier: Run, tmp_path: Path) -> None:
    assert dossier("mapping", "check", tmp_path / "none.toml").code == 2
    assert dossier("mapping", "try", SAMPLE, SAMPLE).code == 2


def test_events_are_shown_row_by_row(dossier: Run) -> None:
    ended = dossier("mapping", "try", EDUCATION, RECORDS)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == "row 1"
    assert lines[1].split() == [
        *("received", "H26.50-260105-0001", "2026-01-05T01:30:00Z"),
        *("agency=H26.50.01,", "channel=online,", "procedure=1.005144"),
    ]
    assert "2 rows: 8 events, 0 with rejects" in lines
    assert "Nguyễn" not in ended.out


def test_rejects_are_shown_with_place_value_and_reason(dossier: Run, tmp_path: Path) -> None:
    records = tmp_path / "r.jsonl"
    records.write_text(RECORDS.read_text().replace("08/01/2026 15:40", "hôm nay").replace('"TN"', '"??"'))
    ended = dossier("mapping", "try", EDUCATION, records, "--limit", "2")
    assert ended.code == 1
    assert "$.hoSo.kenh: ?? is not one of TT, TN, BC" in ended.out
    assert "$.buoc[1].luc: hôm nay is not a date or time" in ended.out
    shown = [json.loads(line) for line in dossier("mapping", "try", EDUCATION, records, "--json").out.splitlines()]
    assert [len(row["rejects"]) for row in shown] == [1, 2]
    assert shown[0]["events"][0]["dossier"] == "H26.50-260105-0001"
