"""What the commands of the benchmarks share: where they work, and where their result goes."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import msgspec
from msgspec import Struct

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
        help=help_,
    )


def out_option(result: Path) -> Callable[[Command], Command]:
    """`--out`: the file of the result, the committed one unless another is named."""
    return click.option(
        "--out", type=click.Path(path_type=Path, dir_okay=False), default=result, help="The result, as JSON."
    )


def command_of(module: str) -> str:
    """The command as it was given, for whoever wants to run it again."""
    return shlex.join(["python", "-m", module, *sys.argv[1:]])


def write_result(out: Path, result: Struct) -> None:
    """Write it for machines and for reading."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
