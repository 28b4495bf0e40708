"""How dead letters are printed: foreign text as escapes, and content only where it is asked for."""

from base64 import b64encode
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.cells import cell_len

from cli.signals import Stop
from cli.terminal_escape import brief, plural, printable
from streams.dead_letters.table import DeadLetterGroup, StoredDeadLetter

_SHOWN = 50


class BoundedLines:
    """Prints lines until there are too many, then counts them."""

    def __init__(self, *, err: bool) -> None:
        self.count = 0
        self._err = err

    def add(self, line: str) -> None:
        """Print a line, or count it."""
        self.count += 1
        if self.count <= _SHOWN:
            click.echo(line, err=self._err)

    def close(self) -> None:
        """Print how many lines were not."""
        if self.count > _SHOWN:
            click.echo(f"and {self.count - _SHOWN:,} more", err=self._err)


def end(stop: Stop, decision: str, done: int, refused: int, *, dry_run: bool) -> NoReturn:
    """Print the sum of what a command changed, and end with its exit code."""
    summary = f"{plural(done, 'dead letter')} {'would be ' if dry_run else ''}{decision}"
    click.echo(f"{summary}, {refused:,} refused" if refused else summary)
    if stop.signal:
        click.echo("stopped: run it again to go on", err=True)
        raise click.exceptions.Exit(stop.exit_code)
    raise click.exceptions.Exit(1 if refused else 0)


def fields_of(letter: StoredDeadLetter) -> dict[str, Any]:
    """A dead letter for a machine: its place as text and in parts, and its fields."""
    place = {"place": str(letter.place)} | msgspec.structs.asdict(letter.place)
    return place | {name: value for name, value in msgspec.structs.asdict(letter).items() if name != "place"}


def content_of(content: bytes) -> dict[str, str]:
    """The content for a machine, under the key that the dead-letter topic uses."""
    try:
        return {"content": content.decode()}
    except UnicodeDecodeError:
        return {"content_base64": b64encode(content).decode()}


def print_groups(groups: list[DeadLetterGroup]) -> None:
    """Print a line for each reason and source."""
    for group in groups:
        click.echo(f"{group.letters:>10,}  {group.reason:<14}  {printable(group.source[:100]) or '(no source)'}")


def print_letters(letters: list[StoredDeadLetter], zone: ZoneInfo) -> None:
    """Print a line for each dead letter below a heading; nothing where there are none."""
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
    """Print the fields of a dead letter, and its content."""
    lines = fields_of(letter) | {"published_at": _time(letter.published_at, zone)}
    if letter.decided_at is not None:
        lines["decided_at"] = _time(letter.decided_at, zone)
    for name in ("topic", "partition", "offset", "line"):
        del lines[name]
    for name, value in lines.items():
        if value not in ("", None, False):
            click.echo(f"{name:<13} {printable(str(value))}")
    click.echo(f"{'to do':<13} {advice}\n\n{printable(content.decode('utf-8', 'backslashreplace'))}")


def _time(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(sep=" ", timespec="milliseconds")
