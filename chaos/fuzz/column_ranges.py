"""The ranges of the column types of the tables, independent of the code that fills them."""

import re
from datetime import UTC, datetime

from schemas.tables import Table
from streams.counting.store_interface import Row

_INTEGERS = {f"UInt{bits}": (0, 2**bits) for bits in (8, 16, 32, 64)} | {"Int64": (-(2**63), 2**63)}
_SECONDS = (datetime(1970, 1, 1, tzinfo=UTC).timestamp(), datetime(2106, 1, 1, tzinfo=UTC).timestamp())
_PRECISE_SECONDS = (datetime(1900, 1, 1, tzinfo=UTC).timestamp(), datetime(2300, 1, 1, tzinfo=UTC).timestamp())


def misfits(table: Table, row: Row) -> list[str]:
    """The columns whose value in this row does not fit, each with its type and value."""
    assert len(row) == len(table.columns)
    return [
        f"{name} {kind} <- {value!r}"
        for (name, kind), value in zip(table.columns.items(), row, strict=True)
        if not fits(kind, value)
    ]


def fits(kind: str, value: object) -> bool:
    """Whether a column of this type takes the value, and gives the same back."""
    if wrapped := re.fullmatch(r"(Nullable|Array|LowCardinality)\((.*)\)", kind):
        outer, inner = wrapped.groups()
        if outer == "Nullable":
            return value is None or fits(inner, value)
        if outer == "Array":
            return isinstance(value, list | tuple) and all(fits(inner, item) for item in value)
        return fits(inner, value)
    if kind == "String":
        return isinstance(value, str | bytes)
    if kind == "Bool":
        return isinstance(value, bool)
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    if kind == "DateTime('UTC')":
        return _SECONDS[0] <= value < _SECONDS[1]
    if precise := re.fullmatch(r"DateTime64\((\d), 'UTC'\)", kind):
        seconds = value / float(f"1e{precise[1]}")
        return _PRECISE_SECONDS[0] <= seconds < _PRECISE_SECONDS[1]
    low, high = _INTEGERS[kind]
    return low <= value < high
