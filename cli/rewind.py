"""`dossier rewind`: the group of workers goes on where the counts are."""

import getpass
import socket

import click

from cli.migrate import plan_of
from cli.progress import Display
from cli.settings import Settings
from streams.broker.group import require_no_members
from streams.rebuild.rewind import Rewind, apply_rewind, plan_rewind
from streams.storage.migration import identify
from streams.storage.offsets import read_offsets


@click.command("rewind")
@click.option("--to-start", is_flag=True, help="Go back to the first record of the topic; everything comes again.")
@click.option("--accept-gap", is_flag=True, help="Write records that are gone down as a gap, and go on after it.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.pass_obj
def command(settings: Settings, to_start: bool, accept_gap: bool, dry_run: bool) -> None:
    """Let the workers go on where the counts in ClickHouse are, as after a restored backup.

    Nothing is counted twice: what comes again changes nothing. Workers must be stopped; one that was just stopped is
    waited for. Ends with 4 where records are gone that were never counted, unless the gap is accepted.
    """
    plan = plan_of(settings)
    identity = identify(plan)
    if not dry_run:
        with Display() as display:
            require_no_members(
                plan.kafka,
                lambda names: display.tick(lambda: f"waiting for {', '.join(sorted(names))} to leave the group"),
            )
    found = plan_rewind(read_offsets(plan.kafka, plan.clickhouse), to_start=to_start, accept_gap=accept_gap)
    if not dry_run:
        why = f"not on the broker any more; accepted by {_person()} with `dossier rewind --accept-gap`"
        apply_rewind(plan, identity.epoch, found, why)
    _show(found, dry_run=dry_run)


def _show(rewind: Rewind, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    for gap in rewind.gaps:
        missing = gap.to_offset - gap.from_offset + 1
        click.echo(
            f"partition {gap.partition}: {would}written down as a gap: {missing} records, offsets {gap.from_offset} to "
            f"{gap.to_offset}"
        )
    for move in rewind.moves:
        was = "no offset" if move.was is None else move.was
        click.echo(f"partition {move.partition}: {would}moved from {was} to {move.to}")
    if not rewind.gaps and not rewind.moves:
        click.echo("nothing to do: the group goes on where the counts are, or before")


def _person() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # an account without a name, as in many containers
        return socket.gethostname()
