"""`dossier dead-letters`: lines that could not be counted are looked at, published again, or discarded."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import IO, Any, TypeVar, get_args

import click

from cli.dead_letter_output import content_of, counted, fields_of, print_groups, print_letter, print_letters
from cli.dry_run import publisher_unless
from cli.migrate import plan_of
from cli.settings import Settings
from cli.signals import Interrupted, Stop
from cli.terminal import print_json, printable
from connectors.files.cell_values import Clock, to_instant
from schemas.envelope import RejectReason
from schemas.events import AnyEvent
from schemas.partition import partition_of
from streams.dead_letters.replay_rules import ADVICE, events_in
from streams.dead_letters.table import MAX_PAGE, Letter, Letters, Place, Selection, State, place_of
from streams.errors import NoSuchLetter, NotReplayable
from streams.storage.migration import identify

_SHOWN = 50
_REPLAYED_AT_ONCE = 200
"""A letter may hold a whole record of 1 MiB: so many fit the memory."""

Command = TypeVar("Command", bound=Callable[..., object])


class _PlaceType(click.ParamType):
    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        try:
            return place_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _filters(command: Command) -> Command:
    for option in (
        click.option("--until", help="Published before this time."),
        click.option("--since", help="Published at this time (ISO 8601, local where it has no offset) or later."),
        click.option("--source", help="From this source; '' for lines that name none."),
        click.option("--reason", type=click.Choice(get_args(RejectReason)), help="Not counted for this reason."),
    ):
        command = option(command)
    return command


def _chosen(command: Command) -> Command:
    for option in (
        click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing."),
        click.option("--all", "everything", is_flag=True, help="Take every open letter."),
        _filters,
        click.argument("places", type=_PlaceType(), nargs=-1, metavar="[PLACE]..."),
    ):
        command = option(command)
    return command


@click.group("dead-letters", short_help="List, replay or discard lines that were not counted.")
def dead_letters() -> None:
    """Lines that could not be counted: look at them, publish them again, or discard them.

    A letter is open until it is replayed or discarded. PLACE is where its line stands: partition@offset:line.
    """


@dead_letters.command("list", short_help="Show which there are, by reason and source and one by one.")
@_filters
@click.option(
    "--state",
    type=click.Choice([*get_args(State), "all"]),
    default="open",
    show_default=True,
    help="What was decided about them.",
)
@click.option(
    "--limit", type=click.IntRange(0), default=_SHOWN, show_default=True, help="Show so many, the newest; 0 sums up."
)
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, with `total`, `groups` and `letters`.")
@click.pass_obj
def list_command(
    settings: Settings,
    reason: RejectReason | None,
    source: str | None,
    since: str | None,
    until: str | None,
    state: Any,
    limit: int,
    as_json: bool,
) -> None:
    """Show how many letters there are by reason and source, then the newest one by one; never their content."""
    wanted = None if state == "all" else state
    selection = _selection(settings, wanted, (), reason, source, since, until)
    with closing(Letters(settings.clickhouse)) as letters:
        groups = letters.groups(selection)
        found = letters.newest(selection, limit) if limit else []
    total = sum(group.letters for group in groups)
    if as_json:
        print_json({"total": total, "groups": groups, "letters": [fields_of(letter) for letter in found]})
        return
    click.echo(counted(total, "letter" if state == "all" else f"{state} letter"))
    print_groups(groups)
    print_letters(found, settings.profile.zone)
    if found and total > limit:
        click.echo(f"and {total - limit:,} more: --limit shows them")


@dead_letters.command("show", short_help="Show one letter with its content.")
@click.argument("place", type=_PlaceType())
@click.option("--raw", is_flag=True, help="Write the content alone, byte for byte, to correct it.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def show_command(settings: Settings, place: Place, raw: bool, as_json: bool) -> None:
    """Show the letter at PLACE, its content included, and what to do about it.

    The content may be personal data. What cannot be printed is shown as escapes.
    """
    with closing(Letters(settings.clickhouse)) as letters:
        (letter,) = _at(letters, (place,))
        content = letters.contents([letter]).get(place, b"")
    if raw:
        if sys.stdout.isatty():
            raise click.UsageError("--raw writes bytes as somebody sent them: not to a terminal, give `> FILE`")
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    advice = ADVICE.get(letter.reason, "A reason of a later release: upgrade this one.")
    if as_json:
        print_json(fields_of(letter) | content_of(content) | {"advice": advice})
        return
    print_letter(letter, content, advice, settings.profile.zone)


@dead_letters.command("replay", short_help="Publish letters again, as they are or corrected.")
@_chosen
@click.option(
    "--content", type=click.File("rb"), help="Publish this file's line in place of the one PLACE; - is standard input."
)
@click.pass_obj
def replay_command(
    settings: Settings,
    /,
    places: tuple[Place, ...],
    content: IO[bytes] | None,
    everything: bool,
    dry_run: bool,
    **filters: Any,
) -> None:
    """Publish letters to dossier-events again, each event to the partition where it belongs, and mark them replayed.

    Safe to repeat and to interrupt: an event counts once however often it is published. What would not be counted today
    either is refused. Ends with 1 where anything was refused.
    """
    if content is not None and len(places) != 1:
        raise click.UsageError("--content needs the one PLACE whose line it corrects")
    selection = _chosen_letters(settings, places, everything, filters)
    corrected = content.read() if content is not None else None
    partitions = identify(plan_of(settings)).partitions
    refused = _Lines(err=True)
    told = _Lines(err=False)
    replayed = published = 0
    with (
        Stop() as stop,
        closing(Letters(settings.clickhouse)) as letters,
        publisher_unless(dry_run, settings) as publisher,
    ):
        for page in _pages(stop, letters, selection, places, _REPLAYED_AT_ONCE):
            contents = letters.contents(page)
            fit: list[Letter] = []
            for letter in page:
                line = contents.get(letter.place, b"") if corrected is None else corrected
                try:
                    events = events_in(letter, line, datetime.now(UTC), corrected=corrected is not None)
                except NotReplayable as error:
                    refused.add(f"{letter.place} refused: {printable(str(error))}")
                    continue
                fit.append(letter)
                published += len(events)
                if publisher is None:
                    told.add(f"{letter.place} would be replayed: {_described(events, partitions)}")
                    continue
                for event in events:
                    publisher.publish(event)
            replayed += len(fit)
            if publisher is not None:
                # Marked only when Kafka has them: interrupted in between, they are published again and count once.
                publisher.flush()
                letters.decide(fit, "replayed", "" if corrected is None else "corrected", datetime.now(UTC))
    _end(stop, (told, refused), f"replayed as {counted(published, 'event')}", replayed, dry_run=dry_run)


@dead_letters.command("discard", short_help="Mark letters as not to be counted, with the reason.")
@_chosen
@click.option("--why", required=True, help="The reason, kept with the letter; no personal data.")
@click.option("--erase", is_flag=True, help="Blank their content and detail in ClickHouse for good.")
@click.pass_obj
def discard_command(
    settings: Settings,
    /,
    places: tuple[Place, ...],
    why: str,
    erase: bool,
    everything: bool,
    dry_run: bool,
    **filters: Any,
) -> None:
    """Mark letters as discarded: somebody looked at them, and they are not to be counted.

    With --erase their content is gone from ClickHouse; Kafka's copies stay for as long as the topics keep them.
    """
    if not why.strip():
        raise click.BadParameter("say why they are not to be counted", param_hint="--why")
    selection = _chosen_letters(settings, places, everything, filters)
    told = _Lines(err=False)
    discarded = 0
    with Stop() as stop, closing(Letters(settings.clickhouse)) as letters:
        for page in _pages(stop, letters, selection, places):
            discarded += len(page)
            if dry_run:
                for letter in page:
                    told.add(f"{letter.place} would be discarded: {letter.reason} {letter.field}".rstrip())
                continue
            if erase:
                letters.erase(page)
            letters.decide(page, "discarded", why, datetime.now(UTC), erased=erase)
    _end(stop, (told,), "discarded" + (" and erased" if erase else ""), discarded, dry_run=dry_run)


class _Lines:
    """Prints lines until there are too many, then counts them."""

    def __init__(self, *, err: bool) -> None:
        self.count = 0
        self._err = err

    def add(self, line: str) -> None:
        self.count += 1
        if self.count <= _SHOWN:
            click.echo(line, err=self._err)

    def close(self) -> None:
        if self.count > _SHOWN:
            click.echo(f"and {self.count - _SHOWN:,} more", err=self._err)


def _end(stop: Stop, lines: tuple[_Lines, ...], what: str, done: int, *, dry_run: bool) -> None:
    """Sum up, and end with the code that fits."""
    for some in lines:
        some.close()
    refused = lines[1].count if len(lines) > 1 else 0
    summary = f"{counted(done, 'letter')} {'would be ' if dry_run else ''}{what}"
    click.echo(f"{summary}, {refused:,} refused" if refused else summary)
    if stop.signal:
        click.echo("stopped: run it again to go on", err=True)
        raise click.exceptions.Exit(stop.exit_code)
    raise click.exceptions.Exit(1 if refused else 0)


def _pages(
    stop: Stop, letters: Letters, selection: Selection, places: tuple[Place, ...], size: int = MAX_PAGE
) -> Iterator[list[Letter]]:
    """The selected letters, ending early when it is told to stop; the places that were named must exist."""
    if places:
        _at(letters, places)
    try:
        yield from stop.each(letters.pages(selection, size))
    except Interrupted:
        return


def _at(letters: Letters, places: tuple[Place, ...]) -> list[Letter]:
    found = letters.newest(Selection(places=places), len(places))
    if missing := set(places) - {letter.place for letter in found}:
        raise NoSuchLetter(f"no dead letter is at {min(missing)}: `dossier dead-letters list --state all` shows them")
    return found


def _chosen_letters(
    settings: Settings, places: tuple[Place, ...], everything: bool, filters: dict[str, Any]
) -> Selection:
    """What a command is to change: places in any state, or open letters; never all of them by mistake."""
    filtered = any(value is not None for value in filters.values())
    if sum((bool(places), everything, filtered)) != 1:
        raise click.UsageError(
            "name places, or choose open letters by --reason, --source, --since, --until, or by --all"
        )
    return _selection(settings, None if places else "open", places, **filters)


def _selection(
    settings: Settings,
    state: State | None,
    places: tuple[Place, ...],
    reason: RejectReason | None,
    source: str | None,
    since: str | None,
    until: str | None,
) -> Selection:
    return Selection(
        state, reason, source, _instant(settings, since, "--since"), _instant(settings, until, "--until"), places
    )


def _instant(settings: Settings, text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return to_instant(text, Clock(settings.profile.zone))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error}", param_hint=option) from error


def _described(events: list[AnyEvent], partitions: int) -> str:
    if len(events) > 1:
        return counted(len(events), "event")
    return f"{type(events[0]).__struct_config__.tag} to partition {partition_of(events[0].dossier, partitions)}"
