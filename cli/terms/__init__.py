"""`dossier terms`: when a term ends, and how much of it lies between two instants."""

import click

from cli.terms import add, between


@click.group("terms", commands=[add.command, between.command])
def command() -> None:
    """Compute when a term ends, or how much of a unit lies between two instants, and explain it day by day.

    UNIT is working-days, working-hours, days or months. Times are local ones unless they have an offset. No service is
    needed, but for --loaded.
    """
