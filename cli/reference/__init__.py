"""`dossier reference`: agencies, procedures and officials are loaded, compared, listed and restored."""

import click

from cli.reference import check, diff, history, list, load, restore, unknown  # noqa: A004  # named after the commands

_COMMANDS = [module.command for module in (check, diff, load, list, history, restore, unknown)]


@click.group("reference", commands=_COMMANDS)
def command() -> None:
    """Load agencies, procedures and officials, and see what they are and were.

    KIND is agencies, procedures or officials. FILE is CSV, XLSX or JSON; several files are one load. A load replaces
    all that its kind declared before, and changes no count: figures are shown by it within half a minute.
    """
