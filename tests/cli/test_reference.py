"""`dossier reference` for people and for programs."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import NetworkError

from cli.reference.arguments import record_of
from connectors.reference.reading import read_agencies, read_day_rules, read_procedures
from connectors.reference.writing import cell
from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from schemas.events import Received
from schemas.reference.official import Official
from streams.reference.ruling_loading import load_ruling
from streams.reference.ruling_pins import held, newest
from streams.storage.clickhouse_client import database
from streams.storage.epochs import Entry, Origin, write_entry
from tests.cli.commands import AWAY, ROOT, Run, named
from tests.streams.cases import said
from tests.streams.counted import count

HEADER = "code,name_vi,parent,level,aliases\n"
HOSTILE = "Sở \"A\" <b>'x'</b> | dòng 1\ndòng 2 " + "ộ" * 260
EVIL = '=HYPERLINK("http://x")'
SAMPLES = ROOT / "samples"


def written(folder: Path, *rows: tuple[str, ...], name: str = "agencies.csv", header: str = HEADER) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path = folder / name
    path.write_text(header + text.getvalue())
    return path


@pytest.fixture
def province(tmp_path: Path) -> Path:
    return written(
        tmp_path, ("H26", "Hà Nội", "", "province", "000.00.00.H26"), ("H26.1", HOSTILE, "H26", "commune", "")
    )


def test_check_says_everything_that_is_wrong_and_exits_with_4(dossier: Run, tmp_path: Path) -> None:
    wrong = written(tmp_path, ("H26", "Hà Nội", "", "city", ""), ("H26.1", "\x1b[31mPhường", "H27", "commune", ""))
    ended = dossier("reference", "check", "agencies", wrong)
    assert ended.code == 4
    lines = ended.out.splitlines()
    assert lines[0].startswith(f"{wrong}:2: level: 'city': is no level")
    assert any(line.startswith(f"{wrong}:3: parent: 'H27'") for line in lines)
    assert "\x1b" not in ended.out
    assert lines[-1].endswith(" findings")
    found = json.loads(dossier("reference", "check", "agencies", wrong, "--json").out)
    assert found["rows"] == 0
    assert {"file", "line", "column", "value", "wrong", "place"} == found["findings"][0].keys()


def test_check_of_good_files_needs_no_service(dossier: Run) -> None:
    ended = dossier("reference", "check", "procedures", SAMPLES / "procedures.csv", clickhouse=AWAY)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith(" rows of procedures, all right\n")


@pytest.mark.parametrize("command", ["load", "diff"])
def test_findings_end_a_load_before_anything_is_asked_of_clickhouse(dossier: Run, tmp_path: Path, command: str) -> None:
    wrong = written(tmp_path, ("H26", "Hà Nội", "H26", "province", ""))
    ended = dossier("reference", command, "agencies", wrong, clickhouse=AWAY)
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith(f"{wrong}:2: ")
    assert ended.err.endswith("dossier: 1 finding, nothing was loaded\n")


@pytest.mark.loopback
@pytest.mark.parametrize("arguments", [("load", "agencies"), ("diff", "agencies"), ("list", "agencies"), ("history",)])
def test_without_clickhouse_it_says_so(dossier: Run, province: Path, arguments: tuple[str, ...]) -> None:
    files = [province] if arguments[0] in ("load", "diff") else []
    ended = dossier("reference", *arguments, *files, clickhouse=AWAY)
    assert ended.code == 3
    assert "does not answer" in ended.reason


@pytest.mark.clickhouse
def test_a_load_is_said_kept_and_made_once(dossier: Run, clickhouse: ClickHouseConnection, province: Path) -> None:
    there = named(clickhouse)
    changes = dossier("reference", "diff", "agencies", province, **there).out.splitlines()
    assert changes[0] == "H26: added: 'Hà Nội', province"
    assert changes[-1] == "2 added"
    ended = dossier("reference", "load", "agencies", province, "--by", "lan\x1b[31m", **there)
    assert (ended.code, ended.err) == (0, "")
    number = ended.out.split()[1]
    assert ended.out == f"load {number} of agencies: 2 rows, 2 added\n"
    assert dossier("reference", "load", "agencies", province, **there).out == (
        "nothing to load: agencies are the same as now\n"
    )
    assert dossier("reference", "diff", "agencies", province, **there).out == "nothing changed\n"
    (line,) = dossier("reference", "history", **there).out.splitlines()
    assert line.startswith(f"agencies  {number}  ")
    assert line.endswith("agencies.csv  2 added")
    assert "lan\\x1b[31m" in line
    in_full = dossier("reference", "history", "agencies", "--changes", **there).out.splitlines()
    assert in_full[1] == "    H26: added: 'Hà Nội', province"
    (load,) = json.loads(dossier("reference", "history", "--json", **there).out)["loads"]
    assert (load["load"], load["loaded_by"], load["files"], load["rows"]) == (
        int(number),
        "lan\x1b[31m",
        ["agencies.csv"],
        2,
    )
    assert dossier("reference", "history", "procedures", **there).out.startswith("no procedures has been loaded")


@pytest.mark.clickhouse
def test_an_earlier_load_is_restored_and_said_to_be(
    dossier: Run, clickhouse: ClickHouseConnection, province: Path, tmp_path: Path
) -> None:
    there = named(clickhouse)
    number = dossier("reference", "load", "agencies", province, **there).out.split()[1]
    smaller = written(tmp_path, ("H26", "Hà Nội", "", "province", "000.00.00.H26"), name="smaller.csv")
    assert dossier("reference", "load", "agencies", smaller, **there).out.endswith("1 row, 1 removed\n")
    ended = dossier("reference", "restore", "agencies", number, **there)
    assert (ended.code, ended.out.split(": ")[1]) == (0, "2 rows, 1 added\n")
    assert f"  restored from {number}  1 added\n" in dossier("reference", "history", **there).out
    ended = dossier("reference", "restore", "agencies", "7", **there)
    assert ended.code == 2
    assert ended.reason.startswith("there is no load 7 of agencies")


@pytest.mark.clickhouse
def test_what_is_listed_can_be_loaded_again(dossier: Run, clickhouse: ClickHouseConnection, tmp_path: Path) -> None:
    there = named(clickhouse)
    assert dossier("reference", "list", "agencies", "--csv", **there).out == ""
    rows = (("H26", HOSTILE, "", "province", "A|B"), ("H26.1", EVIL, "H26", "commune", "-X|Y"))
    dossier("reference", "load", "agencies", written(tmp_path, *rows), **there)
    for arguments, name in ((("--csv",), "again.csv"), (("--json",), "again.json")):
        (tmp_path / name).write_text(dossier("reference", "list", "agencies", *arguments, **there).out)
        assert dossier("reference", "load", "agencies", tmp_path / name, **there).out.startswith("nothing to load")
    escaped = list(csv.DictReader(io.StringIO(dossier("reference", "list", "agencies", "--csv", **there).out)))
    assert [row["name_vi"] for row in escaped] == [HOSTILE, f"'{EVIL}"]
    exact = dossier("reference", "list", "agencies", "--csv", "--exact", **there).out
    assert [row["name_vi"] for row in csv.DictReader(io.StringIO(exact))] == [HOSTILE, EVIL]
    table = dossier("reference", "list", "agencies", **there).out
    assert "\\n" in table
    assert "name_en" not in table
    assert dossier("reference", "list", "agencies", "--exact", **there).code == 2
    assert dossier("reference", "list", "procedures", **there).out.startswith("no procedures are loaded")


@pytest.mark.parametrize(
    ("read", "names"),
    [
        (read_agencies, ("agencies", "agencies-merger")),
        (read_procedures, ("procedures",)),
        (read_day_rules, ("calendar",)),
        (read_day_rules, ("days-off-2026",)),
    ],
)
def test_samples_are_written_as_they_are_read(read: Any, names: tuple[str, ...], tmp_path: Path) -> None:
    declared = read([SAMPLES / f"{name}.csv" for name in names])
    records = [record_of(each, with_name=True) for each in declared]
    with (tmp_path / "again.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([list(records[0]), *(map(cell, record.values()) for record in records)])
    assert read([tmp_path / "again.csv"]) == declared


@pytest.mark.clickhouse
def test_names_of_officials_are_shown_where_they_are_asked_for_and_nowhere_else(
    dossier: Run, clickhouse: ClickHouseConnection, tmp_path: Path
) -> None:
    there = named(clickhouse)
    first = written(tmp_path, ("cb-1", "H26", "Nguyễn Thị Mẫu"), name="o.csv", header="code,unit,name\n")
    second = written(tmp_path, ("cb-1", "H26", "Trần Văn Thử"), name="p.csv", header="code,unit,name\n")
    outputs = [
        dossier("reference", *arguments, **there)
        for arguments in (
            ("check", "officials", first),
            ("load", "officials", first),
            ("diff", "officials", second),
            ("load", "officials", second),
            ("history", "--changes"),
            ("history", "--json"),
            ("list", "officials"),
            ("list", "officials", "--csv"),
            ("list", "officials", "--json"),
        )
    ]
    assert [ended.code for ended in outputs] == [0] * 9
    assert not any(name in ended.out + ended.err for ended in outputs for name in ("Mẫu", "Thử"))
    assert outputs[2].out.splitlines() == ["cb-1: name changed", "1 renamed"]
    assert json.loads(dossier("reference", "list", "officials", "--names", "--json", **there).out) == [
        {"code": "cb-1", "unit": "H26", "name": "Trần Văn Thử"}
    ]
    assert dossier("reference", "list", "agencies", "--names", **there).code == 2


def test_an_official_is_listed_without_the_name() -> None:
    official = Official(code="cb-1", unit="H26", name="Nguyễn Thị Mẫu")
    assert record_of(official, with_name=False) == {"code": "cb-1", "unit": "H26"}


@pytest.mark.clickhouse
def test_a_user_who_may_not_read_names_is_refused(
    dossier: Run, clickhouse: ClickHouseConnection, clickhouse_reader: ClickHouseConnection, tmp_path: Path
) -> None:
    officials = written(tmp_path, ("cb-1", "H26", "Nguyễn Thị Mẫu"), name="o.csv", header="code,unit,name\n")
    dossier("reference", "load", "officials", officials, **named(clickhouse))
    as_reader = named(clickhouse) | {
        "clickhouse_user": clickhouse_reader.user,
        "clickhouse_password": clickhouse_reader.password.reveal(),
    }
    assert "cb-1" in dossier("reference", "list", "officials", **as_reader).out
    ended = dossier("reference", "list", "officials", "--names", **as_reader)
    assert ended.code == 3
    assert "refuses the user reader" in ended.reason
    others = written(tmp_path, ("cb-2", "H26", "Trần Văn Thử"), name="p.csv", header="code,unit,name\n")
    assert dossier("reference", "load", "officials", others, **as_reader).code == 3


@pytest.mark.clickhouse
def test_codes_that_are_not_declared_are_listed_with_dossiers_and_sources(
    dossier: Run, clickhouse: ClickHouseConnection, province: Path, tmp_path: Path
) -> None:
    there = named(clickhouse)
    count(
        clickhouse,
        said(Received, "2026-03-02 08:00", agency="000.00.00.H26", receiver="\x1b[31mX", procedure="1.1"),
        said(Received, "2026-03-02 08:00", dossier="D2", agency="H26.1", receiver="H26", procedure="1.1"),
    )
    before = dossier("reference", "unknown", **there)
    assert "no agencies are loaded" in before.err
    assert before.out.startswith("5 codes counted and not declared")
    few = dossier("reference", "unknown", "--limit", "1", **there).out
    assert few.startswith("5 codes counted and not declared")
    assert few.endswith("and 2 more: `--limit` says how many are listed\n")
    assert dossier("reference", "load", "agencies", province, **there).code == 0
    found = json.loads(dossier("reference", "unknown", "--json", **there).out)["codes"]
    assert [(code["kind"], code["code"], code["dossiers"]) for code in found] == [
        ("procedure", "1.1", 2),
        ("receiver", "\x1b[31mX", 1),
    ]
    assert all(len(code["sources"]) == 1 for code in found)
    assert "\x1b" not in dossier("reference", "unknown", **there).out
    # What is removed though it was counted is said, and then listed.
    smaller = written(tmp_path, ("H26", "Hà Nội", "", "province", ""), name="smaller.csv")
    for command in ("diff", "load"):
        ended = dossier("reference", command, "agencies", smaller, **there)
        assert ended.code == 0
        assert ended.err.splitlines()[:2] == [
            "000.00.00.H26 is declared no longer and has 1 dossier",
            "H26.1 is declared no longer and has 1 dossier",
        ]
    assert "H26.1" in dossier("reference", "unknown", **there).out


@pytest.mark.clickhouse
def test_clickhouse_that_goes_away_in_the_middle_leaves_nothing_half_loaded(
    dossier: Run, clickhouse: ClickHouseConnection, province: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = named(clickhouse)
    execute = Client.execute

    def breaking(self: Client, sql: str, *arguments: Any, **options: Any) -> Any:
        if sql.startswith("INSERT INTO reference_loads"):
            raise NetworkError("connection reset")
        return execute(self, sql, *arguments, **options)

    with monkeypatch.context() as during:
        during.setattr(Client, "execute", breaking)
        ended = dossier("reference", "load", "agencies", province, **there)
    assert ended.code == 3
    assert "does not answer" in ended.reason
    assert dossier("reference", "list", "agencies", **there).out.startswith("no agencies are loaded")
    assert dossier("reference", "load", "agencies", province, **there).out.endswith("2 rows, 2 added\n")


@pytest.mark.clickhouse
def test_a_load_says_whether_terms_are_computed_by_it(
    dossier: Run, clickhouse: ClickHouseConnection, tmp_path: Path
) -> None:
    there, profile = named(clickhouse), Profile()
    procedure = "code,name_vi,level,service_level,term,unit\nP,x,commune,full,{},working days\n"
    first, second, days = (tmp_path / name for name in ("first.csv", "second.csv", "days.csv"))
    first.write_text(procedure.format(3))
    second.write_text(procedure.format(5))
    days.write_text("from,kind\n2026-03-04,off\n")
    with database(clickhouse) as client:
        origin = Origin("cluster", "topic", 2, profile.rules)
        write_entry(client, Entry(1, origin, "serving", "", datetime(2026, 1, 1, tzinfo=UTC)))
        at_once = "terms are computed by it: no dossier that is counted depends on what it changes\n"
        loaded = dossier("reference", "load", "procedures", first, **there)
        assert (loaded.code, loaded.err) == (0, at_once)
        received = said(Received, "2026-03-03 09:00", agency="H26", procedure="P", channel="online")
        count(clickhouse, received, ruling=load_ruling(client, profile, 1))
        for kind, file in (("procedures", second), ("calendar", days)):
            ended = dossier("reference", "load", kind, file, **there)
            assert ended.code == 0
            assert "up to 1 dossier would be decided otherwise, such as D1; `dossier rules compare`" in ended.err
        assert dossier("reference", "restore", "procedures", loaded.out.split()[1], **there).err == at_once
        assert held(client, 1).loads.procedures == newest(client).procedures
        assert held(client, 1).loads.calendar == 0
    assert dossier("reference", "load", "officials", written_officials(tmp_path), **there).err == ""
    listed = dossier("reference", "list", "calendar", "--csv", **there).out
    assert listed.splitlines()[1] == "2026-03-04,,,off,,,both,,,"
    (tmp_path / "again.csv").write_text(listed)
    assert dossier("reference", "diff", "calendar", tmp_path / "again.csv", **there).out == "nothing changed\n"


def written_officials(folder: Path) -> Path:
    return written(folder, ("cb-1", "H26", "Nguyễn Thị Mẫu"), name="o.csv", header="code,unit,name\n")
