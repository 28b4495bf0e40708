"""`dossier doctor`: what is reachable, which versions, what is wrong and what to do about it."""

from collections.abc import Callable, Iterator
from typing import Literal

import click
from msgspec import Struct

from cli import doctor_checks
from cli.doctor_checks import Unknown, Wrong
from cli.settings import Settings
from cli.terminal_escape import printable
from schemas.errors import DossierError

Result = Literal["ok", "wrong", "skip"]
_COLOURS = {"ok": "green", "wrong": "red", "skip": "yellow"}
_CHECKS: dict[str, tuple[Callable[[Settings], str], set[str]]] = {
    "program": (doctor_checks.check_program, set()),
    "profile": (doctor_checks.check_profile, set()),
    "platform": (doctor_checks.check_platform, set()),
    "disk": (doctor_checks.check_disk, set()),
    "kafka": (doctor_checks.check_kafka, set()),
    "topics": (doctor_checks.check_topics, {"kafka"}),
    "clickhouse": (doctor_checks.check_clickhouse, set()),
    "tables": (doctor_checks.check_tables, {"profile", "clickhouse"}),
    "access": (doctor_checks.check_access, {"tables"}),
    "identity": (doctor_checks.check_identity, {"profile", "kafka", "clickhouse"}),
    "terms": (doctor_checks.check_ruling, {"identity"}),
    "offsets": (doctor_checks.check_offsets, {"identity"}),
    "records": (doctor_checks.check_records, {"offsets"}),
    "state": (doctor_checks.check_state, {"identity"}),
    "workers": (doctor_checks.check_workers, {"kafka", "clickhouse"}),
}
"""Each check, and the checks without which it means nothing."""


class Finding(Struct, frozen=True):
    """The result of one check: what was found, with what to do if it is wrong; `remedy` is text to copy."""

    result: Result
    subject: str
    text: str
    remedy: str = ""


@click.command("doctor")
@click.pass_context
def command(context: click.Context) -> None:
    """Check everything that this program needs, and say what is wrong and what to do about it.

    A check marked `skip` could not be made.

    Exit codes: 0 nothing is wrong, 1 something is.
    """
    wrong = False
    for finding in examine(context.obj):
        wrong = wrong or finding.result == "wrong"
        mark = click.style(f"{finding.result:<5}", fg=_COLOURS[finding.result])
        click.echo(f"{mark}  {finding.subject:<11} {printable(finding.text)}")
        for line in finding.remedy.splitlines():
            click.echo(f"       {printable(line)}")
    context.exit(int(wrong))


def examine(settings: Settings) -> Iterator[Finding]:
    """Make one check after another; one that fails for whatever known reason is a finding, too."""
    wrong: set[str] = set()
    for subject, (check, needed) in _CHECKS.items():
        try:
            if missing := needed & wrong:
                raise Wrong(f"cannot be checked before this is right: {', '.join(sorted(missing))}")
            yield Finding("ok", subject, check(settings))
        except Unknown as error:
            yield Finding("skip", subject, str(error))
        except DossierError as error:
            wrong.add(subject)
            yield Finding("wrong", subject, str(error), error.remedy if isinstance(error, Wrong) else "")
