"""Which dead letters a command takes: by place, or by reason, source and time."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar, get_args

import click

from cli.settings import Settings
from cli.signals import Interrupted, Stop
from connectors.files.cell_values import Clock, to_instant
from schemas.envelope import RejectReason
from streams.dead_letters.table import MAX_PAGE, DeadLetterTable, Place, Selection, State, StoredDeadLetter, place_of
from streams.errors import NoSuchDeadLetter

Command = TypeVar("Command", bound=Callable[..., object])


class PlaceType(click.ParamType):
    """The type of an argument that names a place."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        """The place; raises click's usage error."""
        try:
            return place_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def filter_options(command: Command) -> Command:
    """Options that choose dead letters by what they are."""
    for option in (
        click.option("--until", help="Only lines published before this time."),
        click.option(
            "--since", help="Only lines published at this time or later (ISO 8601; local time if it has no offset)."
        ),
        click.option("--topic", help="Only lines that came by this topic, such as dossier-inbox."),
        click.option("--source", help="Only lines from this source; '' for lines that name none."),
        click.option(
            "--reason",
            type=click.Choice(get_args(RejectReason)),
            help="Only lines that were not counted for this reason.",
        ),
    ):
        command = option(command)
    return command


def decision_options(command: Command) -> Command:
    """The arguments and options of a command that changes dead letters."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing."),
        click.option("--all", "everything", is_flag=True, help="Take every open dead letter."),
        filter_options,
        click.argument("places", type=PlaceType(), nargs=-1, metavar="[PLACE]..."),
    ):
        command = option(command)
    return command


def selection_of(
    settings: Settings,
    state: State | None,
    places: tuple[Place, ...],
    reason: RejectReason | None,
    source: str | None,
    since: str | None,
    until: str | None,
    topic: str | None,
) -> Selection:
    """The selection that the options describe; raises click's usage error."""
    return Selection(
        state, reason, source, _instant(settings, since, "--since"), _instant(settings, until, "--until"), places, topic
    )


def selection_to_change(
    settings: Settings, places: tuple[Place, ...], everything: bool, filters: dict[str, Any]
) -> Selection:
    """The dead letters that a command is to change: at these places in any state, or else open ones.

    Raises click's usage error unless there are either places, filters or --all: nothing is changed by mistake.
    """
    filtered = any(value is not None for value in filters.values())
    if sum((bool(places), everything, filtered)) != 1:
        raise click.UsageError(
            "name places, or choose open dead letters by --reason, --topic, --source, --since, --until, or by --all"
        )
    return selection_of(settings, None if places else "open", places, **filters)


def pages(
    stop: Stop, letters: DeadLetterTable, selection: Selection, places: tuple[Place, ...], size: int = MAX_PAGE
) -> Iterator[list[StoredDeadLetter]]:
    """The selected dead letters, up to a signal to stop; raises NoSuchDeadLetter where a named place has none."""
    if places:
        letters_at(letters, places)
    try:
        yield from stop.each(letters.pages(selection, size))
    except Interrupted:
        return


def letters_at(letters: DeadLetterTable, places: tuple[Place, ...]) -> list[StoredDeadLetter]:
    """The dead letters at these places; raises NoSuchDeadLetter."""
    found = letters.newest(Selection(places=places), len(places))
    if missing := set(places) - {letter.place for letter in found}:
        raise NoSuchDeadLetter(
            f"no dead letter is at {min(missing)}: `dossier dead-letters list --state all` lists them"
        )
    return found


def _instant(settings: Settings, text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return to_instant(text, Clock(settings.profile.zone))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error}", param_hint=option) from error
