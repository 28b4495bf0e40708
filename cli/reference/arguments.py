"""Arguments and options that several subcommands have, and how their files are read."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from cli.findings import refuse
from cli.options import user_name
from connectors.errors import WrongReferenceData
from connectors.reference.reading import read_agencies, read_day_rules, read_officials, read_procedures
from connectors.reference.writing import Record, agency_record, day_rule_record, official_record, procedure_record
from schemas.reference.agency import Agency
from schemas.reference.findings import Finding
from schemas.reference.official import Official
from schemas.reference.procedure import ProcedureVersion
from schemas.working_time.day_rule import DayRule
from streams.reference.kinds import KIND_NAMES, KindName

_READERS: dict[KindName, Callable[[Sequence[Path]], list[Any]]] = {
    "agencies": read_agencies,
    "procedures": read_procedures,
    "officials": read_officials,
    "calendar": read_day_rules,
}

kind_argument = click.argument("kind", type=click.Choice(KIND_NAMES))
optional_kind_argument = click.argument("kind", type=click.Choice(KIND_NAMES), required=False)
files_argument = click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


by_option = click.option(
    "--by",
    default=user_name,
    show_default="the user of the operating system",
    help="Who loads it, as `history` shows.",
)


def read_or_findings(kind: KindName, files: Sequence[Path]) -> tuple[list[Any], Sequence[Finding]]:
    """What the files declare, or everything that is wrong in them; raises UnreadableFile."""
    try:
        return _READERS[kind](files), ()
    except WrongReferenceData as error:
        return [], error.findings


def read(kind: KindName, files: Sequence[Path]) -> list[Any]:
    """What the files declare; where anything is wrong in them, print all of it and exit with 4."""
    content, findings = read_or_findings(kind, files)
    if findings:
        refuse(findings, "nothing was loaded")
    return content


def record_of(declared: Agency | ProcedureVersion | Official | DayRule, *, with_name: bool) -> Record:
    """The cells of what is declared, by column."""
    if isinstance(declared, Agency):
        return agency_record(declared)
    if isinstance(declared, ProcedureVersion):
        return procedure_record(declared)
    if isinstance(declared, DayRule):
        return day_rule_record(declared)
    return official_record(declared, with_name=with_name)
