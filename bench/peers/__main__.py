"""`python -m bench.peers`: one data set counted by every system, one line each."""

import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from bench.command_options import command_of, data_option, out_options, write_result
from bench.machine import this_machine
from bench.peers import ours
from bench.peers.comparison import Contest
from bench.peers.installation import Installation
from bench.peers.result import Result, table, with_ratios
from bench.peers.systems import FLOOR, PEERS
from cli.progress import Display
from cli.signals import stop_signals
from deploy.embedded.jars import ROOTS

NAMES = (ours.NAME, *(peer.name for peer in PEERS))


@click.command()
@click.option("--events", type=click.IntRange(1000), default=400_000, show_default=True, help="Events to count.")
@click.option("--only", "names", multiple=True, type=click.Choice(NAMES), help="This system; repeatable.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same events.")
@click.option("--install", is_flag=True, help="Install peers that are not there, into the data directory.")
@click.option("--kill/--no-kill", default=True, show_default=True, help="Run each again and kill it half way.")
@data_option("Where bench-peers is made anew, and bench-peers-installed kept.")
@click.option("--keep", is_flag=True, help="Leave bench-peers there afterwards: logs and state.")
@out_options("peers")
def main(
    events: int, names: tuple[str, ...], seed: int, install: bool, kill: bool, data: Path, keep: bool, out: Path
) -> None:
    """Let every system count the same events, alone, and print one line each.

    Peers that are not installed, or cannot run here, say so and are no error. Ctrl-C ends it; nothing is written then.
    """
    folder = data.absolute() / "bench-peers"
    installation = Installation(folder.with_name("bench-peers-installed"))
    with stop_signals(lambda: None, lambda: None), ExitStack() as stack:
        shutil.rmtree(folder, ignore_errors=True)
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        display = stack.enter_context(Display())
        if install:
            installation.install(display.say)
        contest = stack.enter_context(Contest(folder, installation, seed, events, display.say))
        rows = [contest.row(name, kill=kill) for name in NAMES if not names or name in names]
    result = Result(
        machine=this_machine(),
        kafka=ROOTS[0].split(":")[2],
        command=command_of("bench.peers"),
        seed=seed,
        events=events,
        duplicates=contest.duplicates,
        bytes_per_event=contest.bytes_per_event,
        rows=with_ratios(rows, FLOOR, ours.NAME),
    )
    write_result(out, result)
    Console(width=None if sys.stdout.isatty() else 160).print(table(result))


if __name__ == "__main__":
    main()
