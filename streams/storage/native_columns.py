"""Columns of an insert in ClickHouse's Native format, encoded as whole columns instead of value by value.

Values in the unit of their column need no conversion: integers are packed at once, instants too. Whatever is unusual,
such as a datetime or a value that does not fit, raises one of UNUSUAL, and the driver's own encoding decides on it.
"""

import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate, chain, repeat
from operator import is_
from typing import Any, TypeAlias

Texts: TypeAlias = Sequence[Any]
Part: TypeAlias = bytes | Texts
"""Bytes as they are sent, or texts, each of which is sent behind its length."""

UNUSUAL = (struct.error, TypeError, ValueError, OverflowError, KeyError)
"""What `encode` raises for a value or a type that it leaves to the driver."""

_FORMATS = {
    "Bool": "?",
    "UInt8": "B",
    "UInt16": "H",
    "UInt32": "I",
    "UInt64": "Q",
    "Int64": "q",
    "Float64": "d",
    "DateTime": "I",
    "DateTime64": "q",
}
"""How values of a fixed width are packed, by the name of their type."""
_LOW_CARDINALITY_VERSION = 1
_KEYS_FOLLOW = 1 << 9 | 1 << 10
"""The flags of a dictionary that is sent along with its block."""
_INDEX_FORMATS = ((1 << 8, "B"), (1 << 16, "H"), (1 << 32, "I"))
"""How indexes are packed into a dictionary of fewer texts; the place here is the code of their width."""


def encode(spec: str, values: Sequence[Any]) -> list[Part]:
    """A column of this type with these values, at least one, in the parts in which it is sent."""
    if spec == "String":
        return [values]
    if spec == "LowCardinality(String)":
        return _low_cardinality(values)
    name, _, inner = spec.partition("(")
    if name == "Nullable":
        nulls = bytes(map(is_, values, repeat(None)))
        return [nulls, _packed(inner[:-1], [0 if value is None else value for value in values])]
    if name == "Array":
        offsets = _pack("Q", list(accumulate(map(len, values))))
        return [offsets, _packed(inner[:-1], list(chain.from_iterable(values)))]
    return [_packed(spec, values)]


def _packed(spec: str, values: Sequence[Any]) -> bytes:
    """Values of a fixed width, one after another."""
    return _pack(_FORMATS[spec.partition("(")[0]], values)


def _pack(form: str, values: Sequence[Any]) -> bytes:
    if isinstance(values, array) and values.typecode == form and sys.byteorder == "little":
        return values.tobytes()
    return struct.Struct(f"<{len(values)}{form}").pack(*values)


def _low_cardinality(texts: Texts) -> list[Part]:
    """The distinct texts in order of appearance, and the place of each text among them."""
    distinct = list(dict.fromkeys(texts))
    places = dict(zip(distinct, range(len(distinct)), strict=True))
    code, form = next((code, form) for code, (most, form) in enumerate(_INDEX_FORMATS) if len(distinct) < most)
    sizes = struct.Struct("<qqq").pack
    # A column that holds one text alone, such as officials where no source names any, costs next to nothing.
    indexes = _pack(form, list(map(places.__getitem__, texts))) if len(distinct) > 1 else bytes(len(texts))
    return [
        sizes(_LOW_CARDINALITY_VERSION, _KEYS_FOLLOW | code, len(distinct)),
        distinct,
        _pack("Q", [len(texts)]),
        indexes,
    ]
