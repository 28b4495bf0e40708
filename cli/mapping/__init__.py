"""`dossier mapping`: a mapping is checked, or tried on a file, without any service."""

import click

from cli.mapping import check, try_


@click.group("mapping", commands=[check.command, try_.command])
def command() -> None:
    """Check a mapping, or show event by event what it makes of a file.

    A mapping says which columns of a file, or which values of a JSON record, are which fields of which events. It is
    the same for `dossier import` and `dossier route`. No service is needed, and nothing is published.
    """
