"""`dossier rewind`: the consumer group's offsets are set to where the stored counts are."""

import getpass
import socket

import click

from cli.migrate import plan_of
from cli.progress import Display
from cli.settings import Settings
from streams.broker.group import require_no_members
from streams.rebuild.rewind import Rewind, apply_rewind, plan_rewind
from streams.storage.migration import identify
from streams.storage.offset_agreement import read_offsets


@click.command("rewind")
@click.option("--to-start", is_flag=True, help="Set the offsets to the start of the topic; all records are read again.")
@click.option(
    "--accept-gap",
    is_flag=True,
    help="Record a gap where records are gone that were never counted, and resume after it.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.pass_obj
def command(settings: Settings, to_start: bool, accept_gap: bool, dry_run: bool) -> None:
    """Set the consumer group's offsets to where the counts in ClickHouse are, as after a restored backup.

    Nothing is counted twice: a record that is read again changes nothing. Stop the workers first; this command waits
    for one that is still leaving the group.

    Exit codes: 0 done, 1 a worker runs, 4 records are gone that were never counted and --accept-gap was not given.
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
        why = f"no longer on the broker; accepted by {_person()} with `dossier rewind --accept-gap`"
        apply_rewind(plan, identity.epoch, found, why)
    _show(found, dry_run=dry_run)


def _show(rewind: Rewind, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    for gap in rewind.gaps:
        missing = gap.to_offset - gap.from_offset + 1
        click.echo(
            f"partition {gap.partition}: {would}recorded as a gap: {missing} records, offsets {gap.from_offset} to "
            f"{gap.to_offset}"
        )
    for move in rewind.moves:
        was = "no offset" if move.was is None else move.was
        click.echo(f"partition {move.partition}: {would}moved from {was} to {move.to}")
    if not rewind.gaps and not rewind.moves:
        click.echo("nothing to do: the group's offsets are at the stored counts, or before them")


def _person() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # an account without a name, as in many containers
        return socket.gethostname()
