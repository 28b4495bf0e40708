"""How what is wrong in files of reference data is printed."""

from collections.abc import Sequence
from typing import NoReturn

import click

from cli.terminal_escape import plural, printable
from schemas.reference.findings import Finding


def print_findings(findings: Sequence[Finding], *, err: bool = False) -> None:
    """Print a line for each finding."""
    for finding in findings:
        click.echo(printable(str(finding)), err=err)


def refuse(findings: Sequence[Finding], consequence: str) -> NoReturn:
    """Print all findings and what was not done because of them, and exit with 4."""
    print_findings(findings, err=True)
    click.echo(f"dossier: {plural(len(findings), 'finding')}, {consequence}", err=True)
    raise click.exceptions.Exit(4)
