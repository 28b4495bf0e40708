"""`python -m chaos.simulation`: schedules from seeds, and the smallest one that fails, if any does."""

import sys
import time

import click
import msgspec

from chaos.simulation.runs import explain, simulate
from chaos.simulation.schedule import schedule_of
from chaos.simulation.world import play
from cli.progress import Display

_MOST = 10**9


@click.command("python -m chaos.simulation", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--schedules", type=click.IntRange(1, _MOST), default=30_000, show_default=True, help="How many to play.")
@click.option("--first", type=click.IntRange(0, _MOST), default=0, show_default=True, help="Seed of the first one.")
@click.option(
    "--replay", type=click.IntRange(0, 2 * _MOST), metavar="SEED", help="Describe what happens with this seed."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def main(schedules: int, first: int, replay: int | None, as_json: bool) -> None:
    """Play counting against crashes, zombies, failing inserts and other faults, in one thread.

    The same seed always gives the same schedule. One that fails is made as small as possible and described, and the
    command exits with 1.
    """
    if replay is not None:
        click.echo(explain(replay))
        sys.exit(bool(play(schedule_of(replay)).wrong))
    begun, done = time.monotonic(), 0

    def progress() -> str:
        return f"{done:,} of {schedules:,} schedules, {done / (time.monotonic() - begun):,.0f} a second"

    def played(runs: int) -> None:
        nonlocal done
        done = runs
        display.tick(progress)

    try:
        with Display() as display:
            found = simulate(first, schedules, played)
    except KeyboardInterrupt:
        click.echo(f"stopped after {done:,} of {schedules:,} schedules; none of them failed", err=True)
        sys.exit(130)
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        faults = ", ".join(f"{times:,} {what}" for what, times in found.faults.items())
        click.echo(f"{found.runs:,} schedules with {found.events:,} events: {faults}")
    for failure in found.failures:
        click.echo(f"\nSeed {failure.seed} fails. What of it is needed for that:\n{explain(failure.seed)}", err=as_json)
        click.echo(f"\nAgain: python -m chaos.simulation --replay {failure.seed}", err=as_json)
    if not found.failures and not as_json:
        click.echo("Every schedule ended with exact counts.")
    sys.exit(bool(found.failures))


if __name__ == "__main__":
    main()
