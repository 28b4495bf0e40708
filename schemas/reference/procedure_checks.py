"""Checks of procedures: at most one version a channel and day, and terms that have a unit."""

import re
from collections.abc import Iterator, Sequence

from schemas.reference.findings import Flaw, quoted
from schemas.reference.procedure import CHANNELS, ProcedureVersion
from schemas.reference.version_checks import by_code, case_flaws, validity_flaws

_NATIONAL = re.compile(r"\d\.\d{6}", re.ASCII)
_SHORTENED = re.compile(r"\d\.\d{1,5}", re.ASCII)


def procedure_flaws(procedures: Sequence[ProcedureVersion]) -> list[Flaw]:
    """Everything that is wrong with these procedures as one catalogue, in the order of their rows."""
    flaws = [*case_flaws(procedures), *_term_flaws(procedures), *_shortened_codes(procedures)]
    for versions in by_code(procedures).values():
        for channel in CHANNELS:
            # A version for all channels overlaps one for a single channel.
            flaws += validity_flaws([(row, each) for row, each in versions if channel in each.channels])
    return sorted(dict.fromkeys(flaws), key=lambda flaw: (flaw.row, flaw.column))


def _shortened_codes(procedures: Sequence[ProcedureVersion]) -> Iterator[Flaw]:
    """Codes of the national catalogue, such as 2.000290, from which a spreadsheet has made 2.00029."""
    whole = next((each.code for each in procedures if _NATIONAL.fullmatch(each.code)), None)
    for row, each in enumerate(procedures):
        if whole and _SHORTENED.fullmatch(each.code):
            wrong = f"has lost zeros at its end, unlike {quoted(whole)}: keep the column as text in the spreadsheet"
            yield Flaw(row, "code", each.code, wrong)


def _term_flaws(procedures: Sequence[ProcedureVersion]) -> Iterator[Flaw]:
    for row, each in enumerate(procedures):
        if each.term is not None and not each.unit:
            yield Flaw(row, "term", str(each.term), "has no unit", read=(row,))
        if each.term is None and each.unit:
            yield Flaw(row, "unit", each.unit, "has no term", read=(row,))
        for line in each.fees:
            if line.valid_to < line.valid_from:
                wrong = f"is before the day that the fee is due from, {line.valid_from}"
                yield Flaw(row, "fee", str(line.valid_to), wrong)
