"""`dossier migrate`: topics and tables as the code declares them."""

import contextlib
import sys

import click

from cli.settings import Settings
from cli.terminal_escape import printable
from streams.storage.deployment_plan import Plan
from streams.storage.migration import migrate


def plan_of(settings: Settings) -> Plan:
    """The deployment that these settings describe."""
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
    "--tolerant",
    is_flag=True,
    help="Report counts of another topic or other rules instead of failing; workers refuse them.",
)
@click.pass_obj
def command(settings: Settings, dry_run: bool, tolerant: bool) -> None:
    """Create or upgrade topics, tables and views.

    Safe to repeat. A topic that differs from its declaration is reported, never changed.

    Exit codes: 0 done, 3 Kafka or ClickHouse is away, 4 the counts are of another topic or other rules.
    """
    reported: list[str] = []

    def report(line: str) -> None:
        reported.append(line)
        # A reader such as `| head` may close the pipe: the migration is completed all the same.
        with contextlib.suppress(BrokenPipeError):
            click.echo(line)

    differing = migrate(plan_of(settings), report, dry_run=dry_run, tolerant=tolerant)
    sys.stdout.flush()
    if not reported:
        click.echo("nothing to do: topics, tables and views are as declared")
    for line in differing:
        click.echo(f"differs, left as it is: {printable(line)}", err=True)
