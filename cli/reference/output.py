"""How changes of reference data are printed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from clickhouse_driver import Client

from cli.terminal_escape import plural, printable
from schemas.reference.changes import Change, summary
from streams.reference.kinds import KINDS, KindName
from streams.reference.loads import Load, reload
from streams.reference.undeclared import cases_with

_SHOWN = 20


def print_changes(changed: Sequence[Change]) -> None:
    """Print a line for each change, and their sum."""
    for change in changed:
        click.echo(printable(str(change)))
    click.echo(summary(changed))


def print_loaded(client: Client, kind: KindName, loaded: Load | None) -> None:
    """Print what a load changed and when it shows; None where nothing had to be loaded."""
    if loaded is None:
        click.echo(f"nothing to load: {kind} are the same as now")
        return
    click.echo(f"load {loaded.load} of {kind}: {plural(loaded.rows, 'row')}, {printable(loaded.summary)}")
    if not reload(client, KINDS[kind]):
        click.echo("figures show it within half a minute", err=True)


def removed_yet_counted(client: Client, kind: KindName, before: set[str], after: Iterable[Any]) -> dict[str, int]:
    """Codes and aliases that are declared no longer and have been counted, with the number of their cases."""
    if not before:
        return {}
    declared = {name for each in after for name in (each.code, *getattr(each, "aliases", ()))}
    return cases_with(client, kind, before - declared)


def warn_of_removed(kind: KindName, counted: Mapping[str, int]) -> None:
    """Print which codes are declared no longer though they have been counted."""
    for code, cases in [*counted.items()][:_SHOWN]:
        click.echo(f"{printable(code)} is declared no longer and has {plural(cases, 'dossier')}", err=True)
    if len(counted) > _SHOWN:
        click.echo(f"and {len(counted) - _SHOWN:,} more", err=True)
    if counted:
        click.echo(
            f"their figures stay, under codes that are not declared: see `dossier reference unknown` ({kind})", err=True
        )
