"""`dossier calendar`: the working days that terms are counted by are shown and checked."""

import click

from cli.calendar import check, show


@click.group("calendar", commands=[show.command, check.command])
def command() -> None:
    """Show the working time that terms are counted by, and compare it with an official list.

    Without --calendar it is office hours, the holidays of the law, and the swaps that were announced. No service is
    needed, but for --loaded.
    """
