"""Files of officials: codes and units are read, and no finding shows a name."""

from functools import partial
from pathlib import Path

from connectors.reference.reading import read_officials
from schemas.reference.official import Official
from tests.connectors.reference.files import findings_of, written

findings = partial(findings_of, read_officials)


def test_officials_with_and_without_names(tmp_path: Path) -> None:
    path = written(tmp_path, "Mã cán bộ;Đơn vị;Họ và tên\ncb-7f3a;H26.17;Nguyễn Thị Mẫu\ncb-19c0;H26.17;\n")
    official, other = read_officials([path])
    assert official == Official(code="cb-7f3a", unit="H26.17", name="Nguyễn Thị Mẫu")
    assert other == Official(code="cb-19c0", unit="H26.17")
    unnamed = read_officials([written(tmp_path, "code,unit\ncb-19c0,H26.17\n")])
    assert unnamed == [Official(code="cb-19c0", unit="H26.17", name=None)]


def test_no_finding_shows_a_name(tmp_path: Path) -> None:
    name = "Nguyễn Thị Mẫu "
    path = written(
        tmp_path,
        f"code,unit,name\ncb-1,U,{name * 30}\ncb-2,,{name}\ncb-2,U,{name}\nnguyễn thị mẫu,U,{name}\ncb-3,U,{name},x\n",
    )
    found = findings(path)
    assert found == [
        "file.csv:2: name: has 449 characters, at most 300 are allowed",
        "file.csv:3: unit: is empty",
        "file.csv:4: code: 'cb-2': is the code of another row as well (file.csv:3)",
        "file.csv:5: code: is the name: codes stand in events, so they must not tell who it is",
        "file.csv:6: has 4 columns, the header has 3",
    ]
