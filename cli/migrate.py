"""`dossier migrate`: topics and tables as the code declares them."""

import contextlib
import sys

import click

from cli.settings import Settings
from cli.terminal import printable
from streams.storage.migration import migrate
from streams.storage.plan import Plan


def plan_of(settings: Settings) -> Plan:
    """What these settings say a deployment is to be."""
    return Plan(
        kafka=settings.kafka,
        clickhouse=settings.clickhouse,
        profile=settings.profile,
        partitions=settings.partitions,
        replication=settings.replication,
        replicated=settings.replicated,
    )


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Print what would be done, with its SQL, and do nothing.")
@click.option(
    "--tolerant", is_flag=True, help="Only report counts of another topic or other rules; workers refuse them."
)
@click.pass_obj
def command(settings: Settings, dry_run: bool, tolerant: bool) -> None:
    """Create or upgrade topics, tables and views.

    Safe to repeat. A topic that differs from its declaration is reported, never changed.
    """
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        # Who reads may have seen enough (`| head`): what was begun is done all the same.
        with contextlib.suppress(BrokenPipeError):
            click.echo(line)

    differing = migrate(plan_of(settings), tell, dry_run=dry_run, tolerant=tolerant)
    sys.stdout.flush()
    if not told:
        click.echo("nothing to do: topics, tables and views are as declared")
    for line in differing:
        click.echo(f"differs, left as it is: {printable(line)}", err=True)
