"""What the commands of the benchmarks share: where they work, and where their result goes."""

import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import msgspec
from msgspec import Struct

RESULTS = Path(__file__).parent / "results"
"""Those that are committed, and shown in docs/performance.md."""

_PLACES = re.compile(r" --(?:data|out)[ =](?:'[^']*'|[^ ]+)| --(?:keep|record)(?= |$)")

Command = TypeVar("Command", bound=Callable[..., object])


def data_option(help_: str) -> Callable[[Command], Command]:
    """`--data`: the data directory in which a benchmark has a folder of its own."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="DOSSIER_DATA",
        default=Path("data"),
        show_default=True,
        show_envvar=True,
        is_eager=True,  # where a result goes follows from it
        help=help_,
    )


def out_options(name: str) -> Callable[[Command], Command]:
    """`--record` and `--out`: where the result goes, as the argument `out`.

    Unless told, into the data directory: a run to try something must not change what the page of figures is made of.
    """

    def chosen(context: click.Context, _: click.Parameter, out: Path | None) -> Path:
        if context.params.pop("record"):
            if out:
                raise click.UsageError("either --record or --out: both say where the result goes")
            return RESULTS / f"{name}.json"
        data: Path = context.params.get("data") or Path(os.environ.get("DOSSIER_DATA", "data"))
        return out or data / "bench-results" / f"{name}.json"

    def decorate(command: Command) -> Command:
        path = click.Path(path_type=Path, dir_okay=False)
        help_ = f"The result, as JSON.  [default: bench-results/{name}.json in the data directory]"
        record = f"Write the result to bench/results/{name}.json, of which docs/performance.md is made."
        # It is eager, so that it is known where `--out` is missing.
        return click.option("--record", is_flag=True, is_eager=True, help=record)(
            click.option("--out", type=path, callback=chosen, help=help_)(command)
        )

    return decorate


def command_of(module: str) -> str:
    """The command as it was given, to run it again; the places of this run do not belong to it."""
    return _PLACES.sub("", shlex.join(["python", "-m", module, *sys.argv[1:]]))


def write_result(out: Path, result: Struct) -> None:
    """Write it for machines and for reading."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
