import csv
import stat
from pathlib import Path

import pytest

from connectors.errors import UnreadableFile
from connectors.files.rejects import COLUMNS, MAX_ROW, Rejects


def test_no_reject_no_file(tmp_path: Path) -> None:
    with Rejects(tmp_path / "rejects" / "r.csv") as rejects:
        pass
    assert not rejects.path.exists()


def test_rejects_are_a_csv_that_reads_back(tmp_path: Path) -> None:
    awkward = ("7", "cộ,t", 'say "no"\nthen go', "không đọc được", "a\0b\r\nc,\ud800")
    with Rejects(tmp_path / "rejects" / "r.csv") as rejects:
        rejects.add(7, *awkward[1:])
        rejects.add(8, "", "", "too long", "x" * 2_000_000)
    with rejects.path.open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert tuple(first) == (*awkward[:4], "a\\x00b\r\nc,\\ud800")
    assert len(second[4]) == MAX_ROW
    assert rejects.count == 2


def test_only_the_owner_may_read_what_must_not_be_published(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("of an earlier import")
    path.chmod(0o644)
    with Rejects(path) as rejects:
        rejects.add(2, "a", "b", "c", "d")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "line,column,value,reason,row\n2,a,b,c,d\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    rejects = Rejects(tmp_path / "file" / "r.csv")
    with pytest.raises(UnreadableFile, match=r"rejects cannot be written: .*--rejects FILE"):
        rejects.add(2, "a", "b", "c", "d")
