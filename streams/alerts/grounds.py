"""Why an alert is raised: what the leading rule says on the dossier, by the rule itself."""

from datetime import datetime

from schemas.instant import from_micros, to_micros
from schemas.rule_names import RuleName
from streams.alerts.overdue import Case, Grounds
from streams.counting.judged_case import StoredCase, judged_case
from streams.on_time.ruling import Ruling


def grounds(case: Case, registers: bytes | None, leading: RuleName, now: datetime, ruling: Ruling) -> Grounds:
    """The rule, the term and the reason for the alert about a dossier with these packed registers.

    Facts may change between the scan and this look. Then the next scan clears the alert, and meanwhile it says what the
    scan saw.
    """
    stored = None if registers is None else StoredCase(case.dossier, case.agency, case.procedure, registers)
    found = judged_case(stored, ruling) if stored else None
    verdict = found.verdict(found.rule(leading), to_micros(now)) if found else None
    if verdict is None:
        return Grounds("", case.sent, "compared")
    term = None if verdict.term is None else from_micros(verdict.term)
    return Grounds(f"{leading} v{verdict.rule.version}", term, verdict.reason)
