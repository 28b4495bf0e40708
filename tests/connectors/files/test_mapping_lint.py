"""The linter says what a mapping most likely does not mean; sound mappings have no finding."""

from pathlib import Path

import pytest

from connectors.files.mapping_file import decode_mapping, read_mapping
from connectors.files.mapping_lint import findings
from connectors.files.personal_columns import looks_personal

SAMPLES = Path(__file__).parents[3] / "samples"
HEAD = 'source = "s"\ntime_zone = "UTC"\nrecorded_at = { column = "t" }\ndossier = { column = "MaHoSo" }\n'
RECEIVED = '[[events]]\nkind = "received"\noccurred_at = { column = "at" }\nfields = { agency = { column = "unit" } }\n'
STEP = (
    '[[events]]\nkind = "progressed"\noccurred_at = { column = "at" }\n'
    'when = { column = "s", one_of = ["a", "b"] }\n'
    'fields = { step = { column = "s", values = { a = "x", b = "y" } } }\n'
)


def found(text: str, tmp_path: Path) -> list[str]:
    file = tmp_path / "m.toml"
    file.write_text(text)
    return findings(read_mapping(file))


@pytest.mark.parametrize("text", [HEAD + RECEIVED, HEAD + RECEIVED + STEP])
def test_a_sound_mapping_has_no_finding(text: str, tmp_path: Path) -> None:
    assert found(text, tmp_path) == []
    assert findings(decode_mapping(text.encode(), "m")) == []


@pytest.mark.parametrize("file", sorted(path.name for path in SAMPLES.glob("*receipt*.toml")))
def test_the_samples_are_sound(file: str) -> None:
    assert findings(read_mapping(SAMPLES / file)) == []


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = (
        HEAD + RECEIVED.replace("agency", "agencee") + '[[events]]\nkind = "exploded"\noccurred_at = { column = "a" }\n'
    )
    told = found(text, tmp_path)
    assert [each.partition(":")[0] for each in told] == [
        "events[1] (received)",
        "events[1] (received)",
        "events[2]",
    ]
    assert "'agencee' is no field" in told[0]
    assert "the field 'agency' is missing" in told[1]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('["a", "b"]', '["a", "c"]', "step rejects 'c', which `when` asks of the same column"),
        ('["a", "b"]', '["a", "b", " b"]', "when never holds for ' b'"),
        ('a = "x"', '" a" = "z", a = "x"', "the value of ' a' is never used"),
        ('column = "s", values', 'column = "s", empty = ["a"], values', "the value of 'a' is never used"),
        ('column = "s", values', 'column = "s", case = "upper", values', "the value of 'a' is never used"),
        ('column = "s", values', 'column = "s", required = true, default = "x", values', "`default` is never used"),
    ],
)
def test_rules_that_never_apply_are_told(old: str, new: str, told: str, tmp_path: Path) -> None:
    assert old in STEP
    assert any(told in each for each in found(HEAD + STEP.replace(old, new), tmp_path))


def test_an_event_that_another_gives_already_is_told(tmp_path: Path) -> None:
    assert found(HEAD + RECEIVED + RECEIVED, tmp_path) == [
        "events[2] (received): gives the same event as events[1] (received): one of them is of no use"
    ]
    assert "for 'b'" in found(HEAD + STEP + STEP.replace('["a", "b"]', '["b"]'), tmp_path)[0]


def test_without_the_time_of_the_record_the_order_is_that_of_arrival(tmp_path: Path) -> None:
    (told,) = found((HEAD + RECEIVED).replace('recorded_at = { column = "t" }\n', ""), tmp_path)
    assert told.startswith("recorded_at is not mapped")


@pytest.mark.parametrize("place", ['column = "MaHoSo"', 'column = "unit"', 'column = "at" }\n'])
def test_columns_about_people_are_told_wherever_they_are_mapped(place: str, tmp_path: Path) -> None:
    with_key = place.endswith("\n")
    new = f'{place}key = ["SoDienThoai"]\n' if with_key else 'column = "$.ChuHoSo.SoDienThoai"'
    told = found((HEAD + RECEIVED).replace(place, new, 1), tmp_path)
    assert any("SoDienThoai" in each and "looks like personal data" in each for each in told)


@pytest.mark.parametrize(
    "column",
    [
        *("ChuHoSo", "HoTen", "ho_ten", "Họ và tên người nộp hồ sơ", "soDienThoai", "SĐT", "Email", "email1"),
        *("$.nguoiNop.hoTen", "SoCMND", "CCCD", "$['Số định danh']", "DiaChi", "NgaySinh", "TrichYeuHoSo", "GhiChu"),
        *("applicantName", "PHONE_NUMBER", "dienthoai", "fullName", "$.citizens[*].phone"),
    ],
)
def test_names_of_columns_about_people_are_known_however_they_are_written(column: str) -> None:
    assert looks_personal(column)


@pytest.mark.parametrize(
    "column",
    [
        *("MaHoSo", "MaTTHC", "NgayTiepNhan", "NgayHenTra", "TrangThaiHoSo", "DonViXuLy", "concept:name", "case:id"),
        *("KenhThucHien", "$.hoSo.ma", "MaCanBo", "SoTien", "org:group", "id", "$.items[*].code"),
    ],
)
def test_names_of_other_columns_are_left_alone(column: str) -> None:
    assert not looks_personal(column)
