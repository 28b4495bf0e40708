"""The hooks of a deployment: a TOML file that names the mapping and the secrets of each."""

import re
from pathlib import Path

import msgspec
from msgspec import Struct

from connectors.errors import WrongMapping
from connectors.files.mapping_file import load_mapping
from connectors.inbox.mapped_record import MappedRecords
from schemas.connection import Secret

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LEAST = 16


class Hook(Struct, frozen=True):
    """A hook: how its JSON is read, and the secrets of which one must have signed it: two while they are changed."""

    read: MappedRecords
    secrets: tuple[Secret, ...]


class _Declared(Struct, frozen=True, forbid_unknown_fields=True):
    mapping: str
    secret_files: tuple[str, ...]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    hooks: dict[str, _Declared]


def load_hooks(path: Path) -> dict[str, Hook]:
    """The hooks of this file by name; its paths are relative to it. Raises WrongMapping, which shows no secret."""
    try:
        declared = msgspec.toml.decode(path.read_bytes(), type=_File).hooks
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise WrongMapping(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not declared:
        raise WrongMapping(f"{path}: there is no hook: [hooks.NAME] with mapping and secret_files declares one")
    return {name: _hook(path, name, each) for name, each in declared.items()}


def _hook(path: Path, name: str, declared: _Declared) -> Hook:
    if not _NAME.fullmatch(name):
        raise WrongMapping(f"{path}: {name!r} is no name of a hook: small letters, digits and dashes")
    if not declared.secret_files:
        raise WrongMapping(f"{path}: hooks.{name} has no secret: nobody could call it")
    secrets = tuple(_secret(path.parent / file, f"{path}: hooks.{name}") for file in declared.secret_files)
    return Hook(MappedRecords(load_mapping(path.parent / declared.mapping)), secrets)


def _secret(path: Path, where: str) -> Secret:
    try:
        text = path.read_text().strip()
        if path.stat().st_mode & 0o077:
            raise WrongMapping(f"{where}: others can read {path}: `chmod 600` it")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongMapping(f"{where}: the secret {path} cannot be read") from error
    if len(text) < _LEAST:
        raise WrongMapping(f"{where}: the secret {path} has {len(text)} characters, it needs {_LEAST} or more")
    return Secret(text)
