"""Many instants at once: texts of RFC 3339 as microseconds, computed over arrays.

Only the usual forms are read: a `T`, a fraction of 0, 3 or 6 digits, and `Z` or an offset. Whatever else a decoder of
single instants accepts or refuses is for that decoder.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.instant import EARLIEST, LATEST, to_micros

Micros: TypeAlias = NDArray[np.int64]

SHORTEST = len("2026-03-01T08:00:00Z")
LONGEST = len("2026-03-01T08:00:00.000000+07:00")

_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
_DAY = 24 * _HOUR
_MONTHS = 12 * (LATEST.year - EARLIEST.year)
_MONTH_STARTS = np.array(
    [
        to_micros(datetime(EARLIEST.year + month // 12, month % 12 + 1, 1, tzinfo=UTC))
        for month in range(-1, _MONTHS + 2)
    ],
    np.float64,
)
_MONTH_DAYS = np.diff(_MONTH_STARTS) / _DAY
_EARLIEST, _LATEST = to_micros(EARLIEST), to_micros(LATEST)

_PARTS = (
    *((5, 7, ("month", 1), ("index", 1)), (0, 4, ("index", 12)), (8, 10, ("day", 1), ("within", _DAY))),
    *((11, 13, ("hour", 1), ("within", _HOUR)), (14, 16, ("minute", 1), ("within", _HOUR // 60))),
    (17, 19, ("second", 1), ("within", _SECOND)),
)
"""Where the numbers of an instant begin and end, and what one of each adds to which fields."""
_BOUNDS = {
    "index": (0, _MONTHS + 1),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "offset hours": (0, 23),
    "offset minutes": (0, 59),
}
"""`index` is the month, counted from the one before EARLIEST: with an offset it may be that, or the one of LATEST."""
_FIELDS = [*_BOUNDS, "within", "offset"]
"""`within` and `offset` are microseconds: since the month began, and by which it is ahead of UTC."""
_BASE = {"index": -12 * EARLIEST.year, "within": -_DAY}
_LEAST, _MOST = zip(*_BOUNDS.values(), strict=True)


class _Form:
    """A form of instants: what each of its digits adds to each field.

    All numbers are whole and below 2^53, so that floats are exact, and multiplied many times as fast as integers.
    """

    def __init__(self, fraction: int, offset: bool) -> None:
        point = "." * (fraction > 0) + "0" * fraction
        self._zero = f"0000-00-00T00:00:00{point}{'+00:00' if offset else 'Z'}".encode()
        self._sign = 19 + len(point) if offset else None
        self._weights = np.zeros((len(_FIELDS), len(self._zero)))
        for first, end, *adds in _PARTS:
            self._add(first, end, *adds)
        if fraction:
            self._add(20, 20 + fraction, ("within", 10 ** (6 - fraction)))
        if self._sign:
            self._add(self._sign + 1, self._sign + 3, ("offset hours", 1), ("offset", _HOUR))
            self._add(self._sign + 4, self._sign + 6, ("offset minutes", 1), ("offset", _HOUR // 60))
        self._base = np.array([[_BASE.get(field, 0)] for field in _FIELDS], np.float64)
        digits = bytes(9 if letter == ord("0") else 2 if letter == ord("+") else 0 for letter in self._zero)
        self._zeros = np.frombuffer(self._zero, np.uint8)
        self._most = np.frombuffer(digits, np.uint8)

    def _add(self, first: int, end: int, *adds: tuple[str, int]) -> None:
        for place in range(first, end):
            for field, weight in adds:
                self._weights[_FIELDS.index(field), place] = weight * 10 ** (end - 1 - place)

    def read(self, content: bytes) -> Micros | None:
        """The instants of this form that stand one after another; None where one is of another form, or of no day."""
        digits = np.frombuffer(content, np.uint8).reshape(-1, len(self._zero)) - self._zeros
        if (digits > self._most).any():
            return None
        fields = self._weights @ digits.T.astype(np.float64) + self._base
        bounded = fields[: len(_BOUNDS)]
        least, most = bounded.min(axis=1).tolist(), bounded.max(axis=1).tolist()
        if any(map(float.__lt__, least, map(float, _LEAST))) or any(map(float.__gt__, most, map(float, _MOST))):
            return None
        index = fields[0].astype(np.intp)
        if (fields[2] > _MONTH_DAYS[index]).any():
            return None
        micros = _MONTH_STARTS[index] + fields[-2]
        if self._sign:
            signs = digits[:, self._sign]  # 0 for a plus, 2 for a minus
            if (signs == 1).any():
                return None
            micros += (signs.astype(np.float64) - 1) * fields[-1]
        found: Micros = micros.astype(np.int64)
        return found


_FORMS = {
    (len(form._zero), not offset): form
    for fraction in (0, 3, 6)
    for offset in (False, True)
    for form in [_Form(fraction, offset)]
}
"""By the length of a text, and whether it ends in `Z`."""


def micros_of(texts: Sequence[str]) -> Micros | None:
    """Microseconds since 1970 of these instants, at least one; None unless all are usual and within the bounds.

    No text may be shorter than SHORTEST.
    """
    content = "".join(texts).encode()
    if len(content) == SHORTEST * len(texts):
        found = _read(texts, SHORTEST, content)
    else:
        found = np.empty(len(texts), np.int64)
        for length in set(map(len, texts)):
            places = [place for place, text in enumerate(texts) if len(text) == length]
            of_length = [texts[place] for place in places]
            some = _read(of_length, length, "".join(of_length).encode())
            if some is None:
                return None
            found[places] = some
    return None if found is None or found.min() < _EARLIEST or found.max() >= _LATEST else found


def _read(texts: Sequence[str], length: int, content: bytes) -> Micros | None:
    """The instants of texts that all have this length; `content` is all of them."""
    form = _FORMS.get((length, texts[0].endswith("Z")))
    return form.read(content) if form and len(content) == length * len(texts) else None
