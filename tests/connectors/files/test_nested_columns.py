"""Arrays within records: each element may give an event, with what stands around it."""

from typing import Any

import pytest

from connectors.files.nested_columns import NotRead, Paths, array_of, at_element, path_of

RECORD: dict[str, Any] = {
    "id": "D1",
    "items": [
        {"code": "a", "steps": [{"at": 1}, {"at": 2}]},
        {"code": "b", "steps": []},
        {"code": "c", "steps": [{"at": 3}]},
    ],
    "tags": ["x", "y"],
    "one": {"code": "z"},
    "a.b": {"c d": 7},
}


def elements(*columns: str) -> dict[str, list[tuple[tuple[int, ...], dict[str, Any]]]]:
    found = Paths(columns).within(RECORD)
    return {array: [(each.numbers, dict(each.cells)) for each in inner] for array, inner in found.items()}


def test_each_element_has_its_cells_and_those_of_the_arrays_around_it() -> None:
    code, at = "$.items[*].code", "$.items[*].steps[*].at"
    assert elements(code, at) == {
        "$.items[*]": [((0,), {code: "a"}), ((1,), {code: "b"}), ((2,), {code: "c"})],
        "$.items[*].steps[*]": [
            ((0, 0), {code: "a", at: 1}),
            ((0, 1), {code: "a", at: 2}),
            ((2, 0), {code: "c", at: 3}),
        ],
    }


def test_elements_may_be_plain_and_one_object_is_an_array_of_one() -> None:
    assert elements("$.tags[*]") == {"$.tags[*]": [((0,), {"$.tags[*]": "x"}), ((1,), {"$.tags[*]": "y"})]}
    assert elements("$.one[*].code") == {"$.one[*]": [((0,), {"$.one[*].code": "z"})]}


@pytest.mark.parametrize("column", ["$.none[*].x", "$.items[9].steps[*].at", "$.tags[0].x[*]"])
def test_an_array_that_is_not_there_has_no_element(column: str) -> None:
    assert list(elements(column).values()) == [[]]


def test_what_is_no_array_or_no_plain_value_is_told() -> None:
    with pytest.raises(NotRead, match=r"there is no array at '\$\.id\[\*\]'"):
        elements("$.id[*].x")
    with pytest.raises(NotRead, match=r"'\$\.items\[\*\]\.steps' is nested, not a plain value"):
        elements("$.items[*].steps")


def test_paths_from_the_root_name_single_keys_and_quoted_ones() -> None:
    assert Paths(["$.id", "$['a.b']['c d']", "$.items[-1].code"]).cells(RECORD) == {
        "$.id": "D1",
        "$['a.b']['c d']": 7,
        "$.items[-1].code": "c",
    }
    assert path_of("$.a[*].b") == ("a", ..., "b")
    assert path_of("$") == path_of("$.a..b") == path_of("$.a[x]") == ()


def test_only_paths_from_the_root_have_arrays() -> None:
    assert array_of("$.a[*].b[*].c") == "$.a[*].b[*]"
    assert array_of("price[*]") == array_of("$.a[0].b") == array_of("$.a[*]b[") == ""


def test_the_place_of_an_element_is_told_by_its_numbers() -> None:
    assert at_element("$.a[*].b[*].c", (3, 0)) == "$.a[3].b[0].c"
    assert at_element("$.id", (3, 0)) == "$.id"
