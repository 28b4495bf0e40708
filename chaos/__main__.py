"""`python -m chaos`: run every attack, and print one table of the outcomes."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console

from chaos.outcome import Outcome, table
from chaos.run_scale import FULL, SHORT
from chaos.runner import GROUPS, PURE, SCENARIOS, run
from cli.signals import Terminated, stop_signals

_ALL = [*PURE, *SCENARIOS]


@click.command()
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of all events and random choices.")
@click.option("--short", is_flag=True, help="Each scenario with a few faults, as the tests run it.")
@click.option("--only", "names", multiple=True, type=click.Choice(_ALL), help="This scenario; repeatable.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="DOSSIER_DATA",
    default=Path("data"),
    show_default=True,
    show_envvar=True,
    help="Where chaos.json goes, and the data of scenarios that failed.",
)
def main(seed: int, short: bool, names: tuple[str, ...], data: Path) -> None:
    """Attack everything with faults of every kind, and print one table: what was lost, doubled or wrong in the end.

    Ends with 0 where nothing was, else with 4. Ctrl-C and SIGTERM end it with what was found so far.
    """
    for name in [name for name in os.environ if name.startswith("DOSSIER_")]:
        # The harness must never reach a deployment of the caller's.
        del os.environ[name]
    # Errors of the harness's own clients are expected: it causes them.
    logging.getLogger().addHandler(logging.NullHandler())
    scale = SHORT if short else FULL
    progress = Console(stderr=True)

    def on_start(name: str) -> None:
        progress.print(f"{name} ...", highlight=False)

    outcomes: list[Outcome] = []
    interrupted = 0
    try:
        with stop_signals(lambda: None, lambda: None):
            for together in _divided(names or _ALL, short):
                for outcome in run(together, scale, seed, data.absolute() / "chaos", on_start):
                    outcomes.append(outcome)
                    _keep(data / "chaos.json", {"seed": seed, "scale": scale, "outcomes": outcomes})
                    for line in filter(None, (outcome.failure, *outcome.examples)):
                        progress.print(line, markup=False, highlight=False)
    except KeyboardInterrupt:
        interrupted = 130
    except Terminated as error:
        interrupted = int(str(error.code))
    Console(width=None if sys.stdout.isatty() else 140).print(table(outcomes))
    sys.exit(interrupted or (0 if all(each.passed for each in outcomes) else 4))


def _divided(names: Sequence[str], short: bool) -> list[Sequence[str]]:
    """Groups the scenarios by deployment: one each, but in a short run those that can share one do."""
    if not short:
        return [[name] for name in names]
    together = [[name for name in group if name in names] for group in GROUPS]
    alone = [[name] for name in names if name not in SCENARIOS]
    return [*filter(None, together), *alone]


def _keep(path: Path, report: dict[str, object]) -> None:
    """Write the report after each scenario, so that an interrupted run keeps its outcomes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


if __name__ == "__main__":
    main()
