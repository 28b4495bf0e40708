"""`dossier rebuild`: every count anew, while the former ones serve readers."""

import click

from cli.migrate import plan_of
from cli.progress import Display
from cli.settings import Settings
from cli.signals import Interrupted, Stop
from streams.broker.exclusive_command import ExclusiveCommand
from streams.rebuild.preconditions import Source
from streams.rebuild.rebuild import Rebuild


class _Shown:
    """What happens, on the terminal; a wish to stop is heard after each batch and between steps."""

    def __init__(self, display: Display, stop: Stop) -> None:
        self._display = display
        self._stop = stop
        self.right: ExclusiveCommand | None = None

    def step(self, line: str) -> None:
        self._display.say(line)
        self._hear()

    def counted(self, done: int, total: int) -> None:
        self._display.advance("Counting anew", done, total)
        self._hear()

    def waiting_for(self, workers: set[str]) -> None:
        self._display.tick(lambda: f"waiting for {', '.join(sorted(workers))} to leave the group")
        self._hear()

    def _hear(self) -> None:
        if self.right:
            self.right.require()
        if self._stop.signal:
            raise Interrupted


@click.command("rebuild")
@click.option(
    "--from",
    "source",
    type=click.Choice(["events", "topic"]),
    help="What to count: the raw events in ClickHouse, or the topic.  [default: events]",
)
@click.option("--take-over", is_flag=True, help="Move a database to this Kafka cluster from one that is gone for good.")
@click.option("--abandon", is_flag=True, help="Give up an unfinished rebuild and go back to the former counts.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.pass_obj
def command(settings: Settings, source: Source | None, take_over: bool, abandon: bool, dry_run: bool) -> None:
    """Count everything anew: by other rules, for another topic or partition count, or over damaged counts.

    Readers go on with the former counts until all is counted. Workers must be stopped; one that was just stopped is
    waited for. Whatever ends it, run it again: it goes on where it was. A second one at a time, on any machine, is told
    so and ends with 1.
    """
    if abandon and (source or take_over or dry_run):
        raise click.UsageError("--abandon takes no other option")
    with Stop() as stop, Display() as display:
        shown = _Shown(display, stop)
        rebuild = Rebuild(plan_of(settings), source, shown, records=settings.batch_records, take_over=take_over)
        if dry_run:
            for line in rebuild.preview():
                click.echo(line)
            return
        with ExclusiveCommand(settings.kafka, "rebuild") as shown.right:
            if abandon:
                done = rebuild.abandon()
                click.echo("the rebuild is given up, the former counts serve" if done else "no rebuild is unfinished")
                return
            try:
                entry = rebuild.run()
            except Interrupted:
                display.say("stopped: `dossier rebuild` goes on with it, `dossier rebuild --abandon` gives it up")
                raise click.exceptions.Exit(stop.exit_code) from None
    click.echo(f"rebuilt: the counts are of epoch {entry.epoch}, rules {entry.origin.rules}; start the workers")
