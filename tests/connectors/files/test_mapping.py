from pathlib import Path

import msgspec
import pytest

from connectors.errors import WrongMapping
from connectors.files.mapping import field_types
from connectors.files.mapping_file import decode_mapping, load_mapping
from schemas.events import KINDS, PAYLOAD_FIELDS

SAMPLES = Path(__file__).parents[3] / "samples"

GOOD = """
source = "s"
time_zone = "Asia/Ho_Chi_Minh"
dossier = { column = "id" }
[[events]]
kind = "received"
occurred_at = { column = "at" }
fields = { agency = { column = "agency" }, channel = "online" }
"""


def test_a_mapping_names_the_columns_it_reads_and_no_other() -> None:
    mapping = decode_mapping(GOOD.encode(), "m.toml")
    assert mapping.columns == {"id": True, "at": True, "agency": True}


def test_an_optional_column_may_be_missing_unless_it_is_needed_elsewhere() -> None:
    text = GOOD.replace('agency = { column = "agency" }', 'agency = { column = "agency", optional = true }')
    assert decode_mapping(text.encode(), "m").columns["agency"] is False
    both = text + '[[events]]\nkind = "returned"\noccurred_at = { column = "agency" }\n'
    assert decode_mapping(both.encode(), "m").columns["agency"] is True


def test_the_sample_reads_nothing_about_people() -> None:
    mapping = load_mapping(SAMPLES / "wabo-receipt.toml")
    assert not {"org:resource", "case:responsible"} & mapping.columns.keys()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "received"', 'kind = "recieved"', r"events\[1\]: kind = 'recieved' is not one of received, "),
        ("channel =", "chanel =", r"events\[1\] \(received\): 'chanel' is no field of this kind; it has agency,"),
        ('agency = { column = "agency" }, ', "", r"events\[1\] \(received\): the field 'agency' is missing"),
        ('channel = "online"', 'channel = "web"', r"events\[1\] \(received\): channel = 'web' does not fit"),
        (
            'channel = "online"',
            'channel = { column = "c", values = { Internet = "on-line" } }',
            r"channel = 'on-line' does not fit",
        ),
        ('column = "id"', 'colum = "id"', r"unknown field `colum` - at `\$\.dossier`"),
        ("time_zone", "timezone", r"unknown field `timezone`"),
        ("Asia/Ho_Chi_Minh", "Asia/Hanoi", r"time_zone = 'Asia/Hanoi' is not a zone"),
        ("dossier =", 'formats = ["%H:%M"]\ndossier =', r"formats: '%H:%M' names no year, month and day"),
        ("dossier =", "as_of = 2012-02-01T00:00:00\ndossier =", r"as_of = 2012-02-01T00:00:00 has no offset"),
        ('column = "at"', 'column = "at", default = "2012-01-01"', r"occurred_at: takes a column as it is"),
        ("[[events]]", "[[events]", "m.toml: "),
        ("dossier =", "formats = " + "[" * 5000 + "\ndossier =", "recursion"),
    ],
)
def test_a_wrong_mapping_is_one_line_that_names_file_and_key(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(WrongMapping, match=message) as caught:
        decode_mapping(GOOD.replace(old, new).encode(), "m.toml")
    text = str(caught.value)
    assert text.startswith("m.toml: ")
    assert "\n" not in text
    assert caught.value.exit_code == 2


def test_a_mapping_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongMapping, match=r"no_place\.toml: the mapping cannot be read: No such file"):
        load_mapping(tmp_path / "no_place.toml")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_mapped_with_every_field_it_has(kind: str) -> None:
    required = {field.name for field in msgspec.structs.fields(KINDS[kind]) if field.required}
    assert set(field_types(kind)) == set(PAYLOAD_FIELDS[kind])
    fields = ", ".join(f'{name} = {{ column = "{name}" }}' for name in PAYLOAD_FIELDS[kind])
    text = f"""
    source = "s"
    time_zone = "UTC"
    dossier = {{ column = "id" }}
    [[events]]
    kind = "{kind}"
    occurred_at = {{ column = "at" }}
    fields = {{ {fields} }}
    """
    assert required & set(PAYLOAD_FIELDS[kind]) <= decode_mapping(text.encode(), "m").columns.keys()
