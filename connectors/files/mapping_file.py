"""A mapping is read from its TOML file, with the tables of its look-ups.

It is checked as a whole before a row is read: what is wrong names the file and the key.
"""

from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from connectors.errors import WrongMapping
from connectors.files.look_up import read_table
from connectors.files.mapping import Column, Mapping
from connectors.files.mapping_checks import faults
from schemas.instant import truncated
from schemas.nfc import nfc_tree


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping with its look-ups; raises WrongMapping that names the file, the key and the value."""
    mapping = read_mapping(path)
    return _checked(mapping, str(path))


def read_mapping(path: Path) -> Mapping:
    """A mapping with its look-ups that has all keys as they must be, and whose meaning is not checked yet."""
    try:
        return _decoded(path.read_bytes(), str(path), path.parent)
    except OSError as error:
        raise WrongMapping(f"{path}: the mapping cannot be read: {error.strerror}") from error


def decode_mapping(text: bytes, name: str, folder: Path = Path()) -> Mapping:
    """The mapping of this TOML; raises WrongMapping that names `name`, the key and the value."""
    return _checked(_decoded(text, name, folder), name)


def _decoded(text: bytes, name: str, folder: Path) -> Mapping:
    try:
        mapping = msgspec.convert(nfc_tree(msgspec.toml.decode(truncated(text))), Mapping)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WrongMapping(f"{name}: {error}{_SEE}") from error
    return _with_tables(mapping, folder)


def _checked(mapping: Mapping, name: str) -> Mapping:
    for fault in faults(mapping):
        raise WrongMapping(f"{name}: {fault}{_SEE}")
    return mapping


_SEE = "; see docs/integrator.md, “Mapping a file”"


def _with_tables(mapping: Mapping, folder: Path) -> Mapping:
    """The mapping with the tables of its look-ups as `values`."""

    def filled(source: Any) -> Any:
        if not isinstance(source, Column) or source.look_up is UNSET:
            return source
        if source.values is not None:
            raise WrongMapping(f"the column {source.column!r} has both `values` and `look_up`: give one of them")
        return replace(source, values=read_table(source.look_up, folder))

    events = tuple(
        replace(event, fields={name: filled(source) for name, source in event.fields.items()})
        for event in mapping.events
    )
    return replace(mapping, dossier=filled(mapping.dossier), events=events)
