"""A stored case as the rules of being on time see it: for those that ask about single dossiers, not for counting."""

from msgspec import Struct

from schemas.rule_names import RuleName, number_of
from schemas.working_time.calendar import Calendar
from streams.counting.case_history import ruled_history
from streams.counting.registers import unpack
from streams.on_time.history import History
from streams.on_time.period import InPeriod, in_period
from streams.on_time.rules import Rule
from streams.on_time.ruling import Ruling
from streams.on_time.verdicts import Verdict, judge


class StoredCase(Struct, frozen=True, gc=False):
    """A case as facts keep it: its packed registers say everything, its agency and procedure whose it is."""

    dossier: str
    agency: str
    procedure: str
    registers: bytes


class JudgedCase(Struct, frozen=True):
    """A case that was received, with what judges it: the calendar of its agency, and the rules of its reception."""

    stored: StoredCase
    history: History
    calendar: Calendar
    rules: tuple[Rule, ...]

    def rule(self, name: RuleName) -> Rule:
        """The version of this rule that judges the case."""
        return self.rules[number_of(name) - 1]

    def verdict(self, rule: Rule, at: int) -> Verdict | None:
        """Its verdict by this version at an instant; None where it was not received yet, or is never judged."""
        return judge(rule, self.history, at, self.calendar)

    def in_period(self, rule: Rule, start: int, end: int) -> InPeriod | None:
        """The case in a period by this version; None where it does not belong to it."""
        return in_period(rule, self.history, start, end, self.calendar)


def judged_case(stored: StoredCase, ruling: Ruling) -> JudgedCase | None:
    """The case by this ruling; None where its reception is missing, or it is void."""
    found = ruled_history(unpack(stored.registers), ruling)
    if found is None:
        return None
    history, calendar = found
    return JudgedCase(stored, history, calendar, ruling.rules_for(history.received_at, calendar))
