"""JSON documents: arrays of any size, nested values, and elements that are broken."""

import io
import json
import tracemalloc
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import UnreadableFile, WrongMapping
from connectors.files import json_stream
from connectors.files.file_reader import FileReader
from connectors.files.json_stream import values_of
from connectors.files.mapping import Format, Mapping
from connectors.files.mapping_file import decode_mapping
from connectors.files.nested_columns import path_of
from connectors.files.row import AnyRow, Row, UnreadableRow


def mapping(step: str = "step", rows: str = "") -> Mapping:
    text = f"""
    source = "s"
    time_zone = "UTC"
    dossier = {{ column = "id" }}
    {f'rows = "{rows}"' if rows else ""}
    [[events]]
    kind = "progressed"
    occurred_at = {{ column = "at" }}
    fields = {{ step = {{ column = "{step}" }} }}
    """
    return decode_mapping(text.encode(), "m.toml")


def read(content: bytes, mapped: Mapping, format_: Format = "json") -> list[AnyRow]:
    with FileReader("-", io.BytesIO(content), mapped, format_) as rows:
        return list(rows)


def cells(content: bytes, mapped: Mapping, format_: Format = "json") -> list[dict[str, Any]]:
    return [dict(row.cells) for row in read(content, mapped, format_) if isinstance(row, Row)]


ONE, TWO = {"id": "a", "at": 1, "step": "x"}, {"id": "b", "at": 2, "step": "y"}


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (json.dumps([ONE, TWO]), ""),
        ("\ufeff \n" + json.dumps([ONE, TWO], indent=2), ""),
        (json.dumps(ONE, indent=1) + json.dumps(TWO), ""),
        (f"[{json.dumps(ONE)}]\n[{json.dumps(TWO)}]\n[]", ""),
        (json.dumps({"n": 2, "result": {"x": {"records": 1}, "records": [ONE, TWO], "next": None}}), "result.records"),
    ],
    ids=["array", "indented", "one after another", "an array a line", "array within"],
)
def test_ways_of_writing_the_same_rows(content: str, rows: str) -> None:
    assert cells(content.encode(), mapping(rows=rows)) == [ONE, TWO]


def test_an_array_is_known_where_json_lines_are_told() -> None:
    assert cells(json.dumps([ONE, TWO]).encode(), mapping(), "jsonl") == [ONE, TWO]
    assert cells(b"[]", mapping()) == []


def test_a_broken_element_spoils_itself_only_and_is_told_with_its_place() -> None:
    content = b'[\n{"id":"a","at":1,"step":"x"},\n{"id":NaN},\n7,\n{"id":"caf\xe9"},\n{"id":"b","at":2,"step":"y"}\n]'
    first, nan, number, latin, last = read(content, mapping())
    assert [row.line for row in (first, nan, number, latin, last)] == [2, 3, 4, 5, 6]
    assert [row.place("") for row in (nan, number, latin)] == ["[1]", "[2]", "[3]"]
    reasons = [row.reason.split(":")[0] for row in (nan, number, latin) if isinstance(row, UnreadableRow)]
    assert reasons == ["is not JSON", "is not a JSON object", "is not JSON"]
    assert isinstance(last, Row)


def test_an_array_that_is_cut_off_gives_what_it_has_and_says_so() -> None:
    with FileReader("-", io.BytesIO(json.dumps([ONE, TWO]).encode()[:-30]), mapping(), "json") as found:
        *rows, last = found
    assert isinstance(last, UnreadableRow)
    assert found.truncation == last.reason == "the array is not closed: the file ends within it"
    assert isinstance(rows[0], Row)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a":1}', "the document has no 'result'; it has a"),
        (b'{"result":{"a":1,"b":2}}', "result has no 'records'; it has a, b"),
        (b'{"result":{"records":{}}}', "result.records is no array"),
        (b"[1]", "the document is no object, so it has no 'result'"),
        (b'{"result":[]}', "result is no object, so it has no 'records'"),
        (b"{result:1}", "line 1 is not JSON: a key is expected"),
        (b"", "there is nothing in it"),
    ],
)
def test_an_array_that_is_not_there_is_told(content: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile, match=message):
        read(content, mapping(rows="result.records"))


def test_nested_values_are_columns_and_a_key_that_is_written_so_comes_first() -> None:
    record = ONE | {"s": {"t": [{"u": "nested"}, {"u": "last"}]}, "s.t[0].v": "flat"}
    content = json.dumps([record]).encode()
    for column, value in (("s.t[0].u", "nested"), ("s.t[-1].u", "last"), ("s.t[0].v", "flat")):
        assert cells(content, mapping(column)) == [{"id": "a", "at": 1, column: value}]


def test_columns_that_are_not_there_are_told_with_all_that_are() -> None:
    content = json.dumps({"id": "a", "at": 1, "s": {"t": [{"u": 1}]}, "more": 2}).encode()
    for format_ in ("json", "jsonl"):
        with pytest.raises(WrongMapping, match=r"'s.u' is not there; there are at, id, more, s.t\[0\].u; .*`rows`"):
            read(content, mapping("s.u"), format_)
    with pytest.raises(WrongMapping, match="there are none; the row on line 1 cannot be read: is not JSON"):
        read(b"{id:1}", mapping())


def test_a_column_that_is_nested_names_what_is_in_it() -> None:
    content = json.dumps([ONE, ONE | {"step": {"name": "x", "by": ["y"]}}]).encode()
    _, broken = read(content, mapping())
    assert isinstance(broken, UnreadableRow)
    assert broken.reason == "the column 'step' is nested, not a plain value: it holds step.name, step.by[0]"


def test_keys_in_another_unicode_form_are_found() -> None:
    name = "Bước"
    for escaped in (False, True):
        record = {"id": "a", "at": 1, normalize("NFD", name): {normalize("NFD", name): "x"}}
        content = json.dumps([record], ensure_ascii=escaped).encode()
        assert cells(content, mapping(f"{name}.{name}")) == [{"id": "a", "at": 1, f"{name}.{name}": "x"}]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("[0].a", (0, "a")),
        ("a[-1]", ("a", -1)),
        ("plain", ()),
        ("case:concept:name", ()),
        ("a..b", ()),
        ("a[x]", ()),
        ("1.001193", ("1", "001193")),
        ("a.", ()),
    ],
)
def test_what_is_a_path(name: str, path: tuple[str | int, ...]) -> None:
    assert path_of(name) == path


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('ab"\\{}[],:\n é')),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a"\\,:]'), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=5), VALUES, st.sampled_from([None, 1]), st.booleans(), st.integers(1, 40))
def test_elements_are_found_wherever_the_stream_is_cut(
    values: list[Any], other: Any, indent: int | None, escaped: bool, size: int
) -> None:
    class Trickle(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            return super().read(size)

    for document, path in ((values, ()), ({"before": other, "at": {"x": other, "rows": values}}, ("at", "rows"))):
        content = json.dumps(document, indent=indent, ensure_ascii=escaped).encode()
        found = list(values_of(Trickle(content), path))
        assert [json.loads(value.content) for value in found] == values
        assert not any(value.cut for value in found)


@pytest.mark.slow
def test_neither_a_long_array_nor_a_huge_element_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_LINE_BYTES", 100_000)
    element = json.dumps(ONE | {"more": "x" * 10_000}).encode() + b","
    parts = [b"[", *[element * 10] * 100, b'{"id":"', *[b"x" * 100_000] * 100, b'"},', element[:-1], b"]"]

    class Made(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            return parts.pop(0) if parts else b""

    tracemalloc.start()
    try:
        cuts = [(value.number, value.cut) for value in values_of(Made()) if value.cut]
        assert cuts == [(1000, "has more than 100000 bytes")]
        assert not parts
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
