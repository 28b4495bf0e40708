"""Columns of nested records: `a.b[0].c` is the path of a nested value, unless a key has that very name."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from connectors.files.cell_values import Cell
from schemas.nfc import nfc

Path = tuple[str | int, ...]

_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(-?\d{1,6})\]")
_MOST = 300
_DEEP = 5


def path_of(name: str) -> Path:
    """The steps to a nested value; empty where the name is no path."""
    steps: list[str | int] = []
    at = 0
    for step in _STEP.finditer(name):
        if step.start() != at:
            return ()
        at = step.end()
        steps.append(step[1] if step[1] is not None else int(step[2]))
    return tuple(steps) if at == len(name) and len(steps) > 1 else ()


class Paths:
    """Extracts the wanted columns from records of JSON or Parquet: dicts, lists and plain values."""

    def __init__(self, columns: Iterable[str]) -> None:
        self._wanted = [(name, path_of(name)) for name in columns]

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
            if isinstance(cell, dict | list | bytes):
                inside = ", ".join(list(_within(name, cell))[:10])
                return f"the column {name!r} is nested, not a plain value" + (f": it holds {inside}" if inside else "")
            found[name] = cell
        return found


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


def _follow(found: Any, path: Path) -> tuple[Any, ...]:
    for step in path:
        if isinstance(step, int):
            if not isinstance(found, list) or not -len(found) <= step < len(found):
                return ()
        elif not isinstance(found, dict) or step not in found:
            return ()
        found = found[step]
    return (found,)


def _within(name: str, value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, dict) and value and depth < _DEEP:
        for key, inner in value.items():
            yield from _within(f"{name}.{key}", inner, depth + 1)
    elif isinstance(value, list) and value and depth < _DEEP:
        yield from _within(f"{name}[0]", value[0], depth + 1)
    else:
        yield name
