"""`dossier rules`: the rules of being on time, what they decide, and what another rule would."""

import click

from cli.rules import compare, history, notable, show


@click.group("rules", commands=[module.command for module in (show, history, compare, notable)])
def command() -> None:
    """Show the rules of being on time and their history, and what another rule, calendar or catalogue would change."""
