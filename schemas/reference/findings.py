"""Findings: each says what is wrong with reference data, and where."""

from msgspec import Struct

_SHOWN = 100


class Flaw(Struct, frozen=True, gc=False):
    """What is wrong with a row, as rules see it: rows are numbered from 0.

    `other` is a second row that takes part. `read` are the rows whose validity, channel, term or unit the flaw follows
    from: there is none where one of these could not be read.
    """

    row: int
    column: str
    value: str
    wrong: str
    other: int | None = None
    read: tuple[int, ...] = ()


class Finding(Struct, frozen=True, gc=False):
    """What is wrong in a file, and where; its text is one line.

    `line` is 0 where the file as a whole is meant. `place` is the cell of a sheet or the item of a JSON array.
    """

    file: str
    line: int
    column: str
    value: str
    wrong: str
    place: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        parts = [f"{where} ({self.place})" if self.place else where]
        if self.column:
            parts.append(self.column)
        if self.column and self.value:
            parts.append(quoted(self.value))
        return printable(": ".join([*parts, self.wrong]))


def quoted(value: str) -> str:
    """The value in quotes on one line, cut where it is long; letters with marks stay readable."""
    cut = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
    return f"'{printable(cut)}'"


def printable(text: str) -> str:
    """The text on one line, with everything that a terminal would act upon escaped."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
