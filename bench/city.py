"""`python -m bench.city`: the seed case counted from an empty database, then again over full tables, and judged."""

import shutil
import sys
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import click
import msgspec
from rich.console import Console

from bench.command_options import command_of, data_option, out_options, write_result
from bench.deployment import Deployment, Spent
from bench.machine import this_machine
from bench.seed_case.case_lives import DOSSIERS
from bench.seed_case.expected_counts import Truth, truth
from bench.seed_case.publishing import Published, publish_apart
from bench.seed_case.result import Replay, Result, replayed, table
from bench.seed_case.stored_counts import Differences, compare, totals
from cli.progress import Display
from cli.signals import stop_signals
from streams.storage.counting_progress import Lag

_BYTES_A_DOSSIER = 4_000
_BYTES_AT_LEAST = 2_000_000_000


@click.command()
@click.option("--dossiers", type=click.IntRange(1), default=DOSSIERS, show_default=True, help="Everything scales.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same events.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Workers that count.")
@click.option("--batch-records", type=click.IntRange(1), help="DOSSIER_BATCH_RECORDS of the workers.")
@data_option("Where its own folder, bench-city, is made anew.")
@click.option("--keep", is_flag=True, help="Leave that folder there afterwards.")
@out_options("city")
def main(dossiers: int, seed: int, workers: int, batch_records: int | None, data: Path, keep: bool, out: Path) -> None:
    """Publish the seed case, count it from an empty database, publish and count it again, and compare every figure.

    Ends with 0 where nothing differs, else with 4.
    """
    folder = data.absolute() / "bench-city"
    _check_space(data, dossiers)
    variables = {} if batch_records is None else {"DOSSIER_BATCH_RECORDS": str(batch_records)}
    with stop_signals(lambda: None, lambda: None), ExitStack() as stack:
        shutil.rmtree(folder, ignore_errors=True)
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        city = City(stack.enter_context(Deployment(folder, **variables)), seed, dossiers, workers)
        published = city.publish()
        first, spent = city.replay(published.events)
        found = totals(city.deployment.clickhouse)
        second, spent_again = city.replay(city.publish().events)
    result = Result(
        **msgspec.structs.asdict(found),
        **msgspec.structs.asdict(first),
        second_replay=second,
        publishing=published,
        machine=this_machine(),
        command=command_of("bench.city"),
        seed=seed,
    )
    write_result(out, result)
    Console(width=None if sys.stdout.isatty() else 140).print(table(result, spent, spent_again))
    if first.differences or second.differences:
        raise click.exceptions.Exit(4)


class City:
    """A deployment that is given the seed case; each step tells on standard error how far it is."""

    def __init__(self, deployment: Deployment, seed: int, dossiers: int, workers: int) -> None:
        self.deployment = deployment
        self._seed = seed
        self._dossiers = dossiers
        self._workers = workers

    def publish(self) -> Published:
        """Publish the whole history, in a process of its own."""
        _say(f"publishing the history of {self._dossiers:,} dossiers")
        return publish_apart(self.deployment.kafka, self._seed, self._dossiers, self.deployment.environment)

    def replay(self, events: int) -> tuple[Replay, Spent]:
        """Let workers count what waits, which is so many events, stop them, and judge what is stored then."""
        _say(f"counting {events:,} events")
        with Display() as display:

            def show(lag: Lag) -> None:
                display.tick(lambda: f"{lag.left:,} of {lag.total:,} records left")

            spent = self.deployment.count_everything(self._workers, show)
        self.deployment.stop_workers()
        differences = self._judge()
        cells = ", ".join(f"{number} of {name}" for name, number in msgspec.structs.asdict(differences).items())
        _say(f"cells that differ: {cells}")
        return replayed(events, spent, differences.total), spent

    def _judge(self) -> Differences:
        _say("comparing every window and the facts of every agency")
        return compare(self.deployment.clickhouse, self._truth)

    @cached_property
    def _truth(self) -> Truth:
        return truth(self._seed, self._dossiers)


def _check_space(data: Path, dossiers: int) -> None:
    data.mkdir(parents=True, exist_ok=True)
    needed, free = _BYTES_AT_LEAST + dossiers * _BYTES_A_DOSSIER, shutil.disk_usage(data).free
    if free < needed:
        raise click.ClickException(
            f"{data} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed: name another directory with --data"
        )


def _say(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
