"""The part of a record that a mapping reads: what is put aside of a foreign record, and nothing else of it."""

from collections.abc import Sequence
from types import EllipsisType
from typing import Any

from connectors.files.mapping import Column, Mapping
from connectors.files.nested_columns import Path, path_of
from schemas.official_code import is_official

REDACTED = "(redacted)"


class Redaction:
    """Keeps of a record what stands at the columns of the mapping, so that the same mapping still reads it.

    What stands where an official's code should be, and is none, may be a name: it is replaced.
    """

    def __init__(self, mapping: Mapping) -> None:
        self._columns = list(mapping.columns)
        self._officials = {
            source.column
            for event in mapping.events
            for name, source in event.fields.items()
            if name == "official" and isinstance(source, Column)
        }

    def of(self, record: dict[str, Any]) -> dict[str, Any]:
        """The part of the record that is kept."""
        paths: list[tuple[Path, str]] = [(_path(name, record), name) for name in self._columns]
        kept: dict[str, Any] = self._kept(record, paths)
        return kept

    def _kept(self, found: Any, paths: Sequence[tuple[Path, str]]) -> Any:
        if isinstance(found, dict):
            steps = {path[0] for path, _ in paths if path}
            # One object stands for an array of one.
            if ... in steps:
                return self._kept(found, _behind(paths, ...))
            return {key: self._kept(found[key], _behind(paths, key)) for key in found if key in steps}
        if isinstance(found, list):
            return [self._kept_item(each, number, len(found), paths) for number, each in enumerate(found)]
        if all(path for path, _ in paths):
            return None
        is_name = any(not path and name in self._officials for path, name in paths)
        return REDACTED if is_name and isinstance(found, str) and found.strip() and not is_official(found) else found

    def _kept_item(self, item: Any, number: int, count: int, paths: Sequence[tuple[Path, str]]) -> Any:
        inner = [each for step in (..., number, number - count) for each in _behind(paths, step)]
        return self._kept(item, inner) if inner else None


def _path(name: str, record: dict[str, Any]) -> Path:
    """A key of that very name comes first, as it does for the mapping."""
    return (name,) if name in record else path_of(name) or (name,)


def _behind(paths: Sequence[tuple[Path, str]], step: str | int | EllipsisType) -> list[tuple[Path, str]]:
    return [(path[1:], name) for path, name in paths if path and path[0] == step]
