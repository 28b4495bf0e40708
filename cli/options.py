"""Options and their types that several commands have."""

import getpass
from pathlib import Path
from typing import Any

import click

from cli.variables import host_and_port
from schemas.errors import SettingError

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="DOSSIER_DATA",
    default=Path("data"),
    show_default=True,
    show_envvar=True,
    help="Data directory of the platform.",
)


def user_name() -> str:
    """Who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a user without a name.
        return "unknown"


class Address(click.ParamType):
    """The type of an option that names host:port."""

    name = "HOST:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Host and port; raises click's usage error."""
        try:
            return value if isinstance(value, tuple) else host_and_port("", value, value)
        except SettingError:
            self.fail(f"{value!r} is not host:port", param, ctx)
