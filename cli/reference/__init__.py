"""`dossier reference`: agencies, procedures, officials and the calendar are loaded, compared, listed and restored."""

import click

from cli.reference import check, diff, history, list, load, restore, unknown  # noqa: A004  # named after the commands

_COMMANDS = [module.command for module in (check, diff, load, list, history, restore, unknown)]


@click.group("reference", commands=_COMMANDS)
def command() -> None:
    """Load agencies, procedures, officials and the calendar, and see what they are and were.

    KIND is agencies, procedures, officials or calendar. FILE is CSV, XLSX or JSON; several files are one load. A load
    replaces all that its kind declared before, and changes no count: figures are shown by it within half a minute.
    Terms are computed by it at once where that decides no dossier otherwise, and else after `dossier rebuild`.
    """
