"""Unicode normal form NFC: most Vietnamese letters have two encodings, and both must be one agency, one dossier.

NFC composes letters with their marks. All input is normalised: cells, headers and mappings of files, and events both
when they are published and when they are decoded.
"""

from typing import Any, TypeVar
from unicodedata import is_normalized, normalize

import msgspec
from msgspec import Struct

S = TypeVar("S", bound=Struct)
_ASCII = bytes(range(128))


def nfc(text: str) -> str:
    """The text in NFC; ASCII is returned as it is."""
    return normalize("NFC", text)


def nfc_tree(found: Any) -> Any:
    """A JSON or TOML value with every text and key in NFC; raises ValueError where two keys become equal."""
    if isinstance(found, str):
        return nfc(found)
    if isinstance(found, list):
        return [nfc_tree(each) for each in found]
    if not isinstance(found, dict):
        return found
    composed = {nfc(key): nfc_tree(value) for key, value in found.items()}
    if len(composed) < len(found):
        twice = next(key for key in composed if sum(nfc(other) == key for other in found) > 1)
        raise ValueError(f"{twice!r} is there twice, in two Unicode forms of one text")
    return composed


def nfc_struct(struct: S) -> S:
    """The struct with its own texts in NFC; the same object where they already are."""
    texts = {name: getattr(struct, name) for name in struct.__struct_fields__}
    changed = {name: nfc(text) for name, text in texts.items() if isinstance(text, str) and not is_nfc(text)}
    return msgspec.structs.replace(struct, **changed) if changed else struct


def is_nfc(text: str) -> bool:
    """Whether the text is in NFC."""
    return is_normalized("NFC", text)


def is_nfc_utf8(content: bytes) -> bool:
    """Whether these bytes of UTF-8 are in NFC, at a tenth of what decoding events costs; raises UnicodeDecodeError.

    ASCII composes with marks of U+0300 to U+033F only, whose first byte is CC: without it, ASCII need not be looked at.
    """
    if b"\xcc" in content:
        return is_nfc(content.decode())
    content.decode()  # what is left without its ASCII might hide that it is no UTF-8
    return content.isascii() or is_nfc(content.translate(None, _ASCII).decode())
