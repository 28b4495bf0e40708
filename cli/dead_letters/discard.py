"""`dossier dead-letters discard`: lines that could not be counted are marked as not to be counted."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import click

from cli.dead_letters.output import BoundedLines, end
from cli.dead_letters.selection import decision_options, pages, selection_to_change
from cli.settings import Settings
from cli.signals import Stop
from streams.dead_letters.table import DeadLetterTable, Place


@click.command("discard", short_help="Mark dead letters as not to be counted, with the reason.")
@decision_options
@click.option("--why", required=True, help="The reason, kept with the dead letter; no personal data.")
@click.option("--erase", is_flag=True, help="Erase their content and detail in ClickHouse for good.")
@click.pass_obj
def command(
    settings: Settings,
    /,
    places: tuple[Place, ...],
    why: str,
    erase: bool,
    everything: bool,
    dry_run: bool,
    **filters: Any,
) -> None:
    """Mark dead letters as discarded: a person decided that they are not to be counted.

    --erase removes their content from ClickHouse; Kafka's copies stay for as long as the topics retain them.

    Exit codes: 0 all are discarded, 130 or 143 stopped.
    """
    if not why.strip():
        raise click.BadParameter("a reason is needed", param_hint="--why")
    selection = selection_to_change(settings, places, everything, filters)
    planned = BoundedLines(err=False)
    discarded = 0
    with Stop() as stop, closing(DeadLetterTable(settings.clickhouse)) as letters:
        for page in pages(stop, letters, selection, places):
            discarded += len(page)
            if dry_run:
                for letter in page:
                    planned.add(f"{letter.place} would be discarded: {letter.reason} {letter.field}".rstrip())
                continue
            if erase:
                letters.erase(page)
            letters.decide(page, "discarded", why, datetime.now(UTC), erased=erase)
    planned.close()
    end(stop, "discarded" + (" and erased" if erase else ""), discarded, 0, dry_run=dry_run)
