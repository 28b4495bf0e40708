"""How dead letters are shown: safely, for they hold what anybody sent, and the list without their content."""

from base64 import b64encode
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.cells import cell_len

from cli.terminal import brief, printable
from streams.dead_letters.table import DeadLetterGroup, StoredDeadLetter


def counted(number: int, what: str) -> str:
    """So many of what: one event, 2,000 events."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def fields_of(letter: StoredDeadLetter) -> dict[str, Any]:
    """The letter for a machine: its place as it is written and in parts, and all that is known of it."""
    place = {"place": str(letter.place)} | msgspec.structs.asdict(letter.place)
    return place | {name: value for name, value in msgspec.structs.asdict(letter).items() if name != "place"}


def content_of(content: bytes) -> dict[str, str]:
    """The content for a machine, named as on the dead-letter topic."""
    try:
        return {"content": content.decode()}
    except UnicodeDecodeError:
        return {"content_base64": b64encode(content).decode()}


def print_groups(groups: list[DeadLetterGroup]) -> None:
    """Print a line for each reason and source."""
    for group in groups:
        click.echo(f"{group.letters:>10,}  {group.reason:<14}  {printable(group.source[:100]) or '(no source)'}")


def print_letters(letters: list[StoredDeadLetter], zone: ZoneInfo) -> None:
    """Print a line for each letter below a heading; nothing where there are none."""
    rows = [("place", "published", "state", "reason", "field", "source", "detail")] + [
        (
            str(letter.place),
            _time(letter.published_at, zone),
            letter.state,
            letter.reason,
            brief(letter.field),
            printable(letter.source[:40]),
            printable(letter.detail),
        )
        for letter in letters
    ]
    if len(rows) == 1:
        return
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    click.echo()
    for row in rows:
        click.echo("  ".join(printable(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_letter(letter: StoredDeadLetter, content: bytes, advice: str, zone: ZoneInfo) -> None:
    """Print all of one, with its content."""
    lines = fields_of(letter) | {"published_at": _time(letter.published_at, zone)}
    if letter.decided_at is not None:
        lines["decided_at"] = _time(letter.decided_at, zone)
    for name in ("partition", "offset", "line"):
        del lines[name]
    for name, value in lines.items():
        if value not in ("", None, False):
            click.echo(f"{name:<13} {printable(str(value))}")
    click.echo(f"{'to do':<13} {advice}\n\n{printable(content.decode('utf-8', 'backslashreplace'))}")


def _time(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(sep=" ", timespec="milliseconds")
