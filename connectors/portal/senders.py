"""Who may send: senders.toml, read once, with secrets that are never shown."""

import ipaddress
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from connectors.portal.statuses import TABLES, Meaning, status_table
from schemas.connection import Secret
from schemas.errors import SettingError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHORTEST_KEY = 16


class Sender(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """A system that sends, as senders.toml describes it.

    `agency` takes dossiers whose agency nobody knows; the first of `agencies` by default. `api_keys` are SHA-256
    digests. Where `hmac_key_file` is set, every request must be signed; `addresses` are networks from which the older
    form, which has no session, is believed by its `MaDinhDanhDV` alone.
    """

    username: str
    madonvi: str
    agencies: tuple[str, ...]
    password_hash: str = ""
    agency: str = ""
    api_keys: tuple[str, ...] = ()
    hmac_key_file: str = ""
    addresses: tuple[str, ...] = ()
    statuses: str = "ending"
    status: dict[str, Meaning] = {}
    items_per_second: int = 200
    hmac_key: Secret = Secret()  # immutable, and filled from its file

    @cached_property
    def meanings(self) -> Mapping[str, Meaning]:
        """What its statuses mean."""
        return status_table(self.statuses, self.status)

    @cached_property
    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks of `addresses`."""
        return tuple(ipaddress.ip_network(each) for each in self.addresses)

    def is_at(self, address: str) -> bool:
        """Whether this address is in one of its networks."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.networks)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    senders: tuple[dict[str, Any], ...]


def read_senders(path: Path) -> tuple[Sender, ...]:
    """The senders in a file; raises SettingError, which names file, sender and key, but no secret."""
    try:
        return decode_senders(path.read_bytes(), path)
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}") from error


def decode_senders(content: bytes, path: Path) -> tuple[Sender, ...]:
    """The senders in this content of a file; keys of signatures are in files relative to it."""
    try:
        held = msgspec.toml.decode(content, type=_File)
    except (msgspec.MsgspecError, ValueError) as error:
        raise SettingError(f"{path}: {error}") from error
    found = tuple(_sender(each, path) for each in held.senders)
    for key in ("username", "madonvi"):
        values = [getattr(each, key) for each in found]
        if twice := next((value for value in values if values.count(value) > 1), None):
            raise SettingError(f"{path}: two senders have {key} = {twice!r}")
    if not found:
        raise SettingError(f"{path}: there is no [[senders]]")
    return found


def _sender(held: dict[str, Any], path: Path) -> Sender:
    name = str(held.get("username", "?"))
    if "hmac_key" in held:
        raise SettingError(f"{path}: sender {name!r}: hmac_key is a secret: name its file in hmac_key_file")
    try:
        sender = msgspec.convert(held, Sender)
        if sender.hmac_key_file:
            key = (path.parent / sender.hmac_key_file).read_text().strip()
            sender = msgspec.structs.replace(sender, hmac_key=Secret(key))
        if wrong := _wrong(sender):
            raise ValueError(wrong)
    except (msgspec.ValidationError, ValueError, OSError) as error:
        raise SettingError(f"{path}: sender {name!r}: {error}") from error
    return msgspec.structs.replace(sender, agency=sender.agency or sender.agencies[0])


def _wrong(sender: Sender) -> str:
    """What is wrong with a sender; empty where nothing is."""
    if not _NAME.fullmatch(sender.username):
        return "username is no name of letters, digits, dots, - and _"
    if not sender.agencies or not all(sender.agencies) or not sender.madonvi:
        return "agencies and madonvi must not be empty"
    if sender.password_hash and not sender.password_hash.startswith("$argon2id$"):
        return "password_hash is none: make it with `dossier receive hash-password`"
    if not all(map(_DIGEST.fullmatch, sender.api_keys)):
        return "api_keys are SHA-256 digests, 64 small hexadecimal digits each"
    if sender.statuses not in TABLES:
        return f"statuses = {sender.statuses!r} is not one of {', '.join(TABLES)}"
    if sender.hmac_key_file and len(sender.hmac_key.reveal()) < _SHORTEST_KEY:
        return f"the key in hmac_key_file has fewer than {_SHORTEST_KEY} characters"
    if not 1 <= sender.items_per_second <= 100_000:
        return "items_per_second is not from 1 to 100000"
    if not (sender.password_hash or sender.api_keys or sender.networks):
        return "one of password_hash, api_keys or addresses is needed"
    return ""
