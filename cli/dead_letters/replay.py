"""`dossier dead-letters replay`: lines that could not be counted are published again, as they are or corrected."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click

from cli.dead_letters.output import BoundedLines, end
from cli.dead_letters.selection import decision_options, pages, selection_to_change
from cli.dry_run import publisher_unless
from cli.migrate import plan_of
from cli.settings import Settings
from cli.signals import Stop
from cli.terminal_escape import plural, printable
from connectors.files.mapping_file import load_mapping
from connectors.inbox.mapped_record import MappedRecords
from schemas.events import AnyEvent
from schemas.partition import partition_of
from streams.dead_letters.replay_rules import events_in
from streams.dead_letters.table import DeadLetterTable, Place, StoredDeadLetter
from streams.errors import NotReplayable
from streams.storage.migration import identify

_PAGE = 200
"""A dead letter may hold a whole record of 1 MiB: this many fit into memory."""


@click.command("replay", short_help="Publish dead letters again, as they are or corrected.")
@decision_options
@click.option(
    "--content",
    type=click.File("rb"),
    help="Publish the line in this file instead of the one at PLACE; - is standard input.",
)
@click.option(
    "--mapping",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read what is replayed by this mapping (TOML), as `dossier route --mapping` does.",
)
@click.pass_obj
def command(
    settings: Settings,
    /,
    places: tuple[Place, ...],
    content: IO[bytes] | None,
    mapping: Path | None,
    everything: bool,
    dry_run: bool,
    **filters: Any,
) -> None:
    """Publish dead letters to dossier-events again, each event to its own partition, and mark them replayed.

    Safe to repeat and to interrupt: an event counts once however often it is published. Lines that would be dead
    letters again are refused.

    Exit codes: 0 everything was replayed, 1 something was refused, 130 or 143 stopped.
    """
    if content is not None and len(places) != 1:
        raise click.UsageError("--content needs the one PLACE whose line it corrects")
    selection = selection_to_change(settings, places, everything, filters)
    corrected = content.read() if content is not None else None
    rule = MappedRecords(load_mapping(mapping)) if mapping else None
    partitions = identify(plan_of(settings)).partitions
    refused = BoundedLines(err=True)
    planned = BoundedLines(err=False)
    replayed = published = 0
    with (
        Stop() as stop,
        closing(DeadLetterTable(settings.clickhouse)) as letters,
        publisher_unless(dry_run, settings) as publisher,
    ):
        for page in pages(stop, letters, selection, places, _PAGE):
            contents = letters.contents(page)
            accepted: list[StoredDeadLetter] = []
            for letter in page:
                line = contents.get(letter.place, b"") if corrected is None else corrected
                try:
                    events = events_in(letter, line, datetime.now(UTC), corrected=corrected is not None, rule=rule)
                except NotReplayable as error:
                    refused.add(f"{letter.place} refused: {printable(str(error))}")
                    continue
                accepted.append(letter)
                published += len(events)
                if publisher is None:
                    planned.add(f"{letter.place} would be replayed: {_described(events, partitions)}")
                    continue
                for event in events:
                    publisher.publish(event)
            replayed += len(accepted)
            if publisher is not None:
                # Marked after Kafka has acknowledged them: after a crash in between they are published again.
                publisher.flush()
                letters.decide(accepted, "replayed", "" if corrected is None else "corrected", datetime.now(UTC))
    planned.close()
    refused.close()
    end(stop, f"replayed as {plural(published, 'event')}", replayed, refused.count, dry_run=dry_run)


def _described(events: list[AnyEvent], partitions: int) -> str:
    if len(events) > 1:
        return plural(len(events), "event")
    return f"{type(events[0]).__struct_config__.tag} to partition {partition_of(events[0].dossier, partitions)}"
