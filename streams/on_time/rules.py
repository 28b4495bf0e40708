"""The rules of being on time, each with its version and its legal source. They are data: `verdicts.py` applies them.

A case is judged for all its life by the version that is valid on the local day of its reception, as it keeps the
version of its procedure. A rule that begins in the future therefore changes no case that exists.
"""

from collections.abc import Iterable
from datetime import date
from typing import Literal, TypeAlias

from msgspec import Struct, structs

from schemas.reference.validity import FIRST_DAY, LAST_DAY, is_valid
from schemas.rule_names import RuleName
from streams.on_time.clock_stops import ALL_KINDS, SUPPLEMENTS, StopKind

Basis: TypeAlias = Literal["instant", "date"]
"""What is compared: the very instants, or their local days. A term by date lasts through the whole of its day."""


class Rule(Struct, frozen=True, kw_only=True):
    """One version of a rule. `moved_by` are the stops that move a term of which the source sent no later one.

    `late_from_supplement` is the number of the supplement request that makes a dossier overdue by itself; 0 for none.
    `counts_late_extensions` says whether an extension that was made after the end still gives the term.
    """

    name: RuleName
    version: int
    basis: Basis
    moved_by: tuple[StopKind, ...]
    late_from_supplement: int = 0
    counts_late_extensions: bool = False
    legal_source: str
    valid_from: date = FIRST_DAY
    valid_to: date = LAST_DAY


INSTANT = Rule(
    name="instant",
    version=2,
    basis="instant",
    moved_by=ALL_KINDS,
    legal_source="Decree 118/2025/NĐ-CP and form 01 of Circular 03/2025/TT-VPCP: the hour and day of the appointment",
)
DATE = Rule(
    name="date",
    version=2,
    basis="date",
    moved_by=ALL_KINDS,
    legal_source="Civil Code 91/2015/QH13, article 148(1) and (6): a term ends at 24:00 of its last day",
)
DECISION_766 = Rule(
    name="decision 766",
    version=1,
    basis="date",
    moved_by=SUPPLEMENTS,
    late_from_supplement=2,
    counts_late_extensions=True,
    legal_source="Decision 766/QĐ-TTg of 23 June 2022, progress of processing, as the national portal computes it",
)
REPORT_FORM = Rule(
    name="report form",
    version=1,
    basis="date",
    moved_by=ALL_KINDS,
    legal_source="Form II.06a/VPCP/KSTT, columns 8 to 10, 12 and 13",
)
RULES = (INSTANT, DATE, DECISION_766, REPORT_FORM)
"""The current version of each rule."""

INSTANT_AS_SENT, DATE_AS_SENT = (
    structs.replace(rule, version=1, moved_by=(), counts_late_extensions=True) for rule in (INSTANT, DATE)
)
"""The versions before: the term is the one that the source sent last, and no stop moves it."""


def valid_on(versions: Iterable[Rule], name: RuleName, day: date) -> Rule:
    """The version of this rule for a case received on this local day; raises LookupError where none is valid."""
    found = [rule for rule in versions if rule.name == name and is_valid(rule, day)]
    if len(found) != 1:
        shown = ", ".join(str(rule.version) for rule in found) or "none"
        raise LookupError(f"rule {name!r} has to have one version valid on {day}: found {shown}")
    return found[0]
