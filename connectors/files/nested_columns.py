"""Columns of nested records: `a.b[0].c` is the path of a nested value, unless a key has that very name.

A path may begin with `$.`, and then also name one key; `['…']` quotes a key of any letters. `[*]` stands for each
element of an array: what is read at such a path belongs to the elements, of which there may be any number.
"""

import re
from collections.abc import Iterable, Iterator
from types import EllipsisType
from typing import Any, TypeAlias

from connectors.files.cell_values import Cell
from connectors.files.row import Element
from schemas.nfc import nfc

Path: TypeAlias = tuple[str | int | EllipsisType, ...]
"""Steps: a key, a position in an array, or an ellipsis for each element."""

EACH = "[*]"
_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(-?\d{1,6})\]|\[(\*)\]|\['([^']+)'\]")
_MOST = 300
_DEEP = 5
_MOST_ELEMENTS = 10_000


class NotRead(ValueError):
    """A record cannot be read as a row; the text says why."""


def path_of(name: str) -> Path:
    """The steps to a nested value; empty where the name is no path."""
    steps: list[str | int | EllipsisType] = []
    rooted = name.startswith("$")
    text = name.removeprefix("$").removeprefix(".") if rooted else name
    at = 0
    for step in _STEP.finditer(text):
        if step.start() != at:
            return ()
        at = step.end()
        key, number, each, quoted = step.groups()
        steps.append(int(number) if number else ... if each else key or quoted)
    return tuple(steps) if at == len(text) and len(steps) > (0 if rooted else 1) else ()


def array_of(name: str) -> str:
    """The innermost array whose elements a column belongs to, such as `$.items[*]`; empty where to none.

    Only paths from `$` have arrays: in a table, `[*]` may be part of a header.
    """
    return name[: name.rindex(EACH) + len(EACH)] if name.startswith("$") and ... in path_of(name) else ""


def at_element(name: str, numbers: tuple[int, ...]) -> str:
    """The column with the numbers of an element in place of `[*]`."""
    for number in numbers:
        name = name.replace(EACH, f"[{number}]", 1)
    return name


class Paths:
    """Extracts the wanted columns from records of JSON or Parquet: dicts, lists and plain values."""

    def __init__(self, columns: Iterable[str]) -> None:
        self._wanted = [(name, path_of(name)) for name in columns if not array_of(name)]
        inner = [name for name in columns if array_of(name)]
        self._arrays = {
            array: [(name, path_of(name)) for name in inner if array.startswith(array_of(name))]
            for array in dict.fromkeys(map(array_of, inner))
        }

    def cells(self, record: dict[str, Any]) -> dict[str, Cell] | str:
        """The cells of the columns in the record; or the reason for rejecting it, where a cell is not a plain value."""
        found: dict[str, Cell] = {}
        for name, path in self._wanted:
            if name in record:
                cell = record[name]
            elif path and (there := _follow(record, path)):
                (cell,) = there
            else:
                continue
            if reason := _why_nested(name, cell):
                return reason
            found[name] = cell
        return found

    def within(self, record: dict[str, Any]) -> dict[str, tuple[Element, ...]]:
        """The elements of each array that columns name, with their cells and those of the arrays around them.

        Raises NotRead where something else stands in place of the array, or a cell is not a plain value.
        """
        return {array: tuple(_elements(record, array, wanted)) for array, wanted in self._arrays.items()}


def columns_in(records: Iterable[dict[str, Any]]) -> list[str]:
    """The names of all plain values in these records, nested ones as paths; a bounded number of them."""
    found: dict[str, None] = {}
    for record in records:
        for key, value in record.items():
            found.update(dict.fromkeys(_within(key, value)))
            if len(found) > _MOST:
                return list(found)[:_MOST]
    return list(found)


def nfc_keys(found: Any) -> Any:
    """The record with its keys in NFC; of two keys that become equal, the later one holds, as in JSON itself."""
    if isinstance(found, list):
        return [nfc_keys(each) for each in found]
    return {nfc(key): nfc_keys(value) for key, value in found.items()} if isinstance(found, dict) else found


def _elements(record: dict[str, Any], array: str, wanted: list[tuple[str, Path]]) -> Iterator[Element]:
    for count, (numbers, steps) in enumerate(_positions(record, path_of(array), array)):
        if count >= _MOST_ELEMENTS:
            raise NotRead(f"the array {array!r} has more than {_MOST_ELEMENTS} elements")
        cells: dict[str, Cell] = {}
        for name, path in wanted:
            depth = path.count(...)
            outer = steps[:depth]
            rest = path[len(path) - path[::-1].index(...) :]
            there = _follow(outer[-1], rest)
            if there:
                if reason := _why_nested(name, there[0]):
                    raise NotRead(reason)
                cells[name] = there[0]
        yield Element(numbers, cells)


def _positions(found: Any, path: Path, name: str) -> Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]:
    """The numbers of each element at the path, and the elements of all arrays on the way to it."""
    if ... not in path:
        yield (), ()
        return
    before = path.index(...)
    there = _follow(found, path[:before])
    items = there[0] if there else None
    if items is None or items == "":
        return
    if isinstance(items, dict):
        items = [items]  # as converters from XML write an array of one
    if not isinstance(items, list):
        raise NotRead(f"there is no array at {name!r}")
    for number, item in enumerate(items):
        for numbers, inner in _positions(item, path[before + 1 :], name):
            yield (number, *numbers), (item, *inner)


def _follow(found: Any, path: Path) -> tuple[Any, ...]:
    for step in path:
        if isinstance(step, int):
            if not isinstance(found, list) or not -len(found) <= step < len(found):
                return ()
        elif not isinstance(found, dict) or step not in found:
            return ()
        found = found[step]
    return (found,)


def _why_nested(name: str, cell: Any) -> str:
    if not isinstance(cell, dict | list | bytes):
        return ""
    inside = ", ".join(list(_within(name, cell))[:10])
    return f"the column {name!r} is nested, not a plain value" + (f": it holds {inside}" if inside else "")


def _within(name: str, value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, dict) and value and depth < _DEEP:
        for key, inner in value.items():
            yield from _within(f"{name}.{key}", inner, depth + 1)
    elif isinstance(value, list) and value and depth < _DEEP:
        yield from _within(f"{name}[0]", value[0], depth + 1)
    else:
        yield name
