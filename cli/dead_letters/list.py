"""`dossier dead-letters list`: how many there are by reason and source, then the newest one by one."""

from contextlib import closing
from typing import Any, get_args

import click

from cli.dead_letters.output import fields_of, print_groups, print_letters
from cli.dead_letters.selection import filter_options, selection_of
from cli.settings import Settings
from cli.terminal_escape import plural, print_json
from schemas.envelope import RejectReason
from streams.dead_letters.table import DeadLetterTable, State


@click.command("list", short_help="List dead letters by reason and source, and one by one.")
@filter_options
@click.option(
    "--state",
    type=click.Choice([*get_args(State), "all"]),
    default="open",
    show_default=True,
    help="Only dead letters in this state.",
)
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="List at most this many, the newest; 0 lists the sums alone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `total`, `groups` and `letters`.")
@click.pass_obj
def command(
    settings: Settings,
    reason: RejectReason | None,
    source: str | None,
    since: str | None,
    until: str | None,
    topic: str | None,
    state: Any,
    limit: int,
    as_json: bool,
) -> None:
    """List how many dead letters there are by reason and source, then the newest one by one; never their content."""
    selection = selection_of(settings, None if state == "all" else state, (), reason, source, since, until, topic)
    with closing(DeadLetterTable(settings.clickhouse)) as letters:
        groups = letters.groups(selection)
        found = letters.newest(selection, limit) if limit else []
    total = sum(group.letters for group in groups)
    if as_json:
        print_json({"total": total, "groups": groups, "letters": [fields_of(letter) for letter in found]})
        return
    click.echo(plural(total, "dead letter" if state == "all" else f"{state} dead letter"))
    print_groups(groups)
    print_letters(found, settings.profile.zone)
    if found and total > limit:
        click.echo(f"and {total - limit:,} more: --limit lists them")
