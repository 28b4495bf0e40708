"""How changes of reference data are printed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from clickhouse_driver import Client

from cli.terminal_escape import plural, printable
from schemas.deployment_profile import Profile
from schemas.reference.changes import Change, summary
from streams.reference.kinds import KINDS, KindName
from streams.reference.loads import Load, reload
from streams.reference.ruling_changes import adopt
from streams.reference.ruling_pins import DECIDING
from streams.reference.undeclared import cases_with
from streams.storage.epochs import read_history

_SHOWN = 20
_EXAMPLES = 3


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


def print_deciding(client: Client, kind: KindName, profile: Profile) -> None:
    """Let the current load of a kind decide terms where it touches no case, and print whether it does."""
    serving = read_history(client).serving
    if kind not in DECIDING or serving is None or serving.origin.rules != profile.rules:
        # What is not counted yet, or not by these rules, is counted by the loads that are there then.
        return
    found = adopt(client, profile, serving.epoch)
    waiting = next((each for each in found.waiting if each.kind == kind), None)
    if waiting is None:
        click.echo("terms are computed by it: no dossier that is counted depends on what it changes", err=True)
        return
    cases = plural(waiting.touched.cases, "dossier")
    click.echo(
        f"terms are not computed by it yet: up to {cases} would be decided otherwise, such as "
        f"{', '.join(map(printable, waiting.touched.some[:_EXAMPLES]))}; `dossier rules compare` shows what it would "
        "change, and `dossier rebuild` with the workers stopped counts everything by it",
        err=True,
    )


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
