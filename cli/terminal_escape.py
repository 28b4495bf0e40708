"""Foreign text on a terminal: text of sources, files and services is shown, and controls nothing."""

import json
import re
import unicodedata
from collections.abc import Iterator

import click
import msgspec
from rich.cells import cell_len

_MARKS = 4
"""Combining marks that one letter may have: no script needs more, and many of them cover the lines around."""
_CELL = 200
_UNPRINTABLE_JSON = re.compile(r"[^\n\x20-\x7e]")


def printable(text: str, width: int = 0) -> str:
    r"""The text on one line; characters that are not printable become escapes such as \x1b or \u202e.

    So nothing moves the cursor, changes the direction of writing, hides, or begins a line. The text is padded to
    `width` cells of the terminal; a character takes none, one or two.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(_escapes(text))
    return text + " " * (width - cell_len(text)) if width else text


def _escapes(text: str) -> Iterator[str]:
    marks = 0
    for sign in text:
        marks = marks + 1 if unicodedata.category(sign).startswith("M") else 0
        plain = sign.isprintable() and marks <= _MARKS
        yield sign if plain else sign.encode("unicode_escape").decode()


def brief(text: str) -> str:
    """The text for a cell of a table: printable, and cut to a length."""
    line = printable(text[:_CELL])
    return line if len(text) <= _CELL else line + "…"


def plural(number: int, noun: str) -> str:
    """A number with its noun: 1 event, 2,000 events."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def print_json(value: object) -> None:
    r"""Print a value as JSON, indented; control characters are written as \uXXXX."""
    text = msgspec.json.format(msgspec.json.encode(value)).decode()
    click.echo(_UNPRINTABLE_JSON.sub(_escaped, text))


def _escaped(found: re.Match[str]) -> str:
    # This is always inside a string: everything else in JSON is ASCII.
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]
