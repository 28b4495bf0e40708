"""`dossier rules show`: every version of every rule, and which one leads."""

from typing import Any

import click

from cli.settings import Settings
from cli.terminal_escape import print_json
from schemas.reference.validity import FIRST_DAY, LAST_DAY
from streams.on_time.chosen_rules import rules_of
from streams.on_time.rules import Rule


@click.command("show", short_help="Show the rules, their versions and legal sources.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `leading`, `due_soon` and `rules`.")
@click.pass_obj
def command(settings: Settings, as_json: bool) -> None:
    """Show each version of each rule: from and until when dossiers are received that it judges, and its legal source.

    A dossier is judged all its life by the version of the day on which it was received. No service is needed.

    Exit codes: 0 shown, 2 the profile is wrong.
    """
    profile = settings.profile
    due_soon, rules = profile.due_soon, rules_of(profile)
    if as_json:
        records = [_record(rule, is_leading=rule.name == profile.leading) for rule in rules]
        print_json({"leading": profile.leading, "due_soon": due_soon, "rules": records})
        return
    for rule in rules:
        leads = "  leads" if rule.name == profile.leading else ""
        click.echo(f"{rule.name} v{rule.version}  {_validity(rule)}{leads}")
        for line in (*_means(rule), rule.legal_source):
            click.echo(f"    {line}")
    click.echo(f"due soon: {due_soon.amount} {due_soon.unit} before the deadline")


def _validity(rule: Rule) -> str:
    """The days of reception for which the version is valid."""
    first = "" if rule.valid_from == FIRST_DAY else f"from {rule.valid_from}"
    last = "" if rule.valid_to == LAST_DAY else f"until {rule.valid_to}"
    return f"received {first} {last}".replace("  ", " ").strip() if first or last else "received on any day"


def _means(rule: Rule) -> list[str]:
    compared = "the very instants" if rule.basis == "instant" else "local days"
    stops = f"stops that move a term: {', '.join(rule.moved_by)}" if rule.moved_by else "no stop moves a term"
    lines = [f"compares {compared}; {stops}"]
    if rule.late_from_supplement:
        lines.append(f"overdue by itself from request {rule.late_from_supplement} for supplements on")
    return lines


def _record(rule: Rule, *, is_leading: bool) -> dict[str, Any]:
    return {
        "rule": rule.name,
        "version": rule.version,
        "leads": is_leading,
        "valid_from": None if rule.valid_from == FIRST_DAY else rule.valid_from,
        "valid_to": None if rule.valid_to == LAST_DAY else rule.valid_to,
        "compares": rule.basis,
        "moved_by": rule.moved_by,
        "late_from_supplement": rule.late_from_supplement,
        "legal_source": rule.legal_source,
    }
