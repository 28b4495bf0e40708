"""`dossier rebuild`: everything is counted anew, while the former counts serve readers."""

import click

from cli.migrate import plan_of
from cli.options import user_name
from cli.progress import Display
from cli.settings import Settings
from cli.signals import Interrupted, Stop
from streams.broker.exclusive_command import ExclusiveCommand
from streams.rebuild.preconditions import Source
from streams.rebuild.rebuild import Rebuild


class _Terminal:
    """Shows the progress of a rebuild, and stops it after a batch or between steps when a signal came."""

    def __init__(self, display: Display, stop: Stop) -> None:
        self._display = display
        self._stop = stop
        self.exclusive: ExclusiveCommand | None = None

    def step(self, line: str) -> None:
        self._display.say(line)
        self._check()

    def counted(self, done: int, total: int) -> None:
        self._display.advance("Counting anew", done, total)
        self._check()

    def waiting_for(self, workers: set[str]) -> None:
        self._display.tick(lambda: f"waiting for {', '.join(sorted(workers))} to leave the group")
        self._check()

    def _check(self) -> None:
        if self.exclusive:
            self.exclusive.require()
        if self._stop.signal:
            raise Interrupted


@click.command("rebuild")
@click.option(
    "--from",
    "source",
    type=click.Choice(["events", "topic"]),
    help="Count the raw events in ClickHouse, or the topic.  [default: events]",
)
@click.option(
    "--take-over", is_flag=True, help="Move a database to this Kafka cluster; the former cluster is gone for good."
)
@click.option(
    "--why",
    default="",
    metavar="TEXT",
    help="Why figures that were shown may change; needed where other rules or loads decide than before.",
)
@click.option("--abandon", is_flag=True, help="Abandon an unfinished rebuild and keep the former counts.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.pass_obj
def command(settings: Settings, source: Source | None, take_over: bool, why: str, abandon: bool, dry_run: bool) -> None:
    """Count everything anew: by other rules, for another topic or partition count, or in place of damaged counts.

    Readers see the former counts until all is counted. Stop the workers first; the rebuild waits for one that is still
    leaving the group. If a rebuild is interrupted, run it again: it resumes. Only one runs at a time.

    Figures of months that move are kept with who rebuilt, when and why: `dossier rules history` shows them, `dossier
    rules compare current loaded` previews them.

    Exit codes: 0 rebuilt, 1 another rebuild or a worker runs, 2 --why is missing, 3 Kafka or ClickHouse is away, 130 or
    143 stopped.
    """
    if abandon and (source or take_over or dry_run or why):
        raise click.UsageError("--abandon takes no other option")
    with Stop() as stop, Display() as display:
        terminal = _Terminal(display, stop)
        rebuild = Rebuild(
            plan_of(settings),
            source,
            terminal,
            records=settings.batch_records,
            take_over=take_over,
            state=settings.state,
            why=why,
            by=user_name(),
        )
        if dry_run:
            for line in rebuild.preview():
                click.echo(line)
            return
        with ExclusiveCommand(settings.kafka, "rebuild") as terminal.exclusive:
            if abandon:
                done = rebuild.abandon()
                click.echo("the rebuild is abandoned, the former counts serve" if done else "no rebuild is unfinished")
                return
            try:
                entry = rebuild.run()
            except Interrupted:
                display.say("stopped: `dossier rebuild` resumes it, `dossier rebuild --abandon` abandons it")
                raise click.exceptions.Exit(stop.exit_code) from None
    click.echo(f"rebuilt: the counts are of epoch {entry.epoch}, rules {entry.origin.rules}; start the workers")
