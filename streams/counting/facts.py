"""The facts of a case: what its registers mean, in flat columns, as the table `facts` keeps them."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from schemas.events import Value
from streams.counting.begin_and_end import begin_of, end_of
from streams.counting.case_history import MOVING
from streams.counting.registers import Register, Registers, outcome, reception
from streams.counting.verdict_steps import NO_STEPS, Steps, steps_of
from streams.on_time.history import Outcome
from streams.on_time.plain_case import FINISHED, FIRST, LAST
from streams.on_time.ruling import Ruling, built_in_ruling

CaseKind = Literal["", "dossier", "feedback"]
Suspension = Literal["", "supplement", "obligation", "pause"]


class Payment(Struct, frozen=True, gc=False):
    """A confirmed payment: its time, its amount, whether it was online, and how much of it was refunded."""

    at: int
    amount: int
    online: bool
    refunded: int


class Refund(Struct, frozen=True, gc=False):
    """A refund: its time and its amount."""

    at: int
    amount: int


class Facts(Struct, frozen=True):
    """One case as of its latest records. All times are microseconds since 1970 in UTC; None is "not known".

    `case_kind` is empty while the reception is missing: such a case counts nowhere yet. `agency` is responsible now,
    `receiver` is the office that received the dossier. `term` is the current term, `term_original` the first.
    """

    case_kind: CaseKind = ""
    voided: bool = False
    agency: str = ""
    receiver: str = ""
    channel: str = ""
    procedure: str = ""
    fee_bearing: bool = False
    received_at: int | None = None
    term_original: int | None = None
    term: int | None = None
    extended_at: tuple[int, ...] = ()
    apologies: int = 0
    step: str = ""
    unit: str = ""
    official: str = ""
    step_at: int | None = None
    supplement_requested_at: tuple[int, ...] = ()
    suspension: Suspension = ""
    suspended_at: int | None = None
    outcome: Outcome = ""
    outcome_at: int | None = None
    electronic_result: bool = False
    returned_at: int | None = None
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    digitised_at: int | None = None
    components: int = 0
    components_digitised: int = 0
    components_reused: int = 0
    rated_at: int | None = None
    satisfied: bool = False
    score: int = 0
    term_computed: int | None = None
    verdict_rule: tuple[int, ...] = ()
    verdict_since: tuple[int, ...] = ()
    verdict_standing: tuple[int, ...] = ()
    verdict_until: tuple[int, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it was received and has neither an outcome nor been voided."""
        return bool(self.case_kind) and not self.voided and not self.outcome


def facts_of(registers: Registers, ruling: Ruling | None = None) -> Facts:
    """What these registers mean by a ruling, as a rule the built-in one: a pure function of both."""
    return Facts(*values_of(registers, ruling or built_in_ruling()))


def values_of(registers: Registers, ruling: Ruling, judged: Steps | None = None) -> tuple[Any, ...]:
    """The same as a tuple, in the order of the fields of Facts; `judged` are its steps, where they are known."""
    get = registers.get
    intake, assignment, void = reception(registers), get("assignment"), get("void")
    progress, digitisation, rating = get("progress"), get("digitisation"), get("rating")
    step, unit, *official = progress[5] if progress else ("", "")
    components, digitised, reused, _ = digitisation[5] if digitisation else _NOT_DIGITISED
    # Most cases have neither numbered registers nor amendments.
    several = [key for key in registers if ":" in key]
    case_kind, agency, channel, received_at, procedure, receiver, fee_bearing = begin_of(registers, intake, several)
    numbered = _numbered(registers, several) if several else _NONE
    appointed, returned = get("term"), get("return")
    term_original, term, extended_at, apologies = _term(appointed, numbered.get("extension", _NONE))
    suspended_at, suspension = _suspension(numbered) if numbered else (None, "")
    ended, ended_at, electronic_result = end_of(outcome(registers), returned)
    payments, refunds = _money(registers, several) if several else ((), ())
    is_voided = bool(void and void[5][0])
    # Decides at once that nearly all cases are plain, as `is_plain` does of their history.
    is_plain = received_at is None or (
        appointed is not None
        and appointed[4] <= received_at
        and (ended_at is None or appointed[4] <= ended_at)
        and FIRST <= appointed[5][0] < LAST
        and (returned is None or ended_at is None or ended in FINISHED or returned[4] <= ended_at)
        and (not numbered or MOVING.isdisjoint(numbered))
    )
    return (
        case_kind,
        is_voided,
        assignment[5][0] if assignment else agency,
        receiver or "",
        channel,
        procedure or "",
        fee_bearing,
        received_at,
        term_original,
        term,
        extended_at,
        apologies,
        step,
        unit or "",
        official[0] if official else "",
        progress[4] if progress else None,
        _times(numbered.get("supplement")),
        suspension,
        suspended_at,
        ended,
        ended_at,
        electronic_result,
        returned[4] if returned else None,
        payments,
        refunds,
        digitisation[4] if digitisation else None,
        components,
        digitised,
        reused,
        rating[4] if rating else None,
        bool(rating and rating[5][0]),
        (rating[5][1] or 0) if rating else 0,
        *(NO_STEPS if is_plain else judged or steps_of(registers, ruling)),
    )


_NOT_DIGITISED = (0, 0, 0, False)
_NONE: dict[Any, Any] = {}
_Numbered: TypeAlias = Mapping[str, dict[int, Register]]


def _term(term: Register | None, extensions: dict[int, Register]) -> tuple[Value, Value, tuple[int, ...], int]:
    original = term[5][0] if term else None
    if not extensions:
        return original, original, (), 0
    apologies = sum(bool(extension[5][2]) for extension in extensions.values())
    return original, extensions[max(extensions)][5][0], _times(extensions), apologies


def _times(numbered: dict[int, Register] | None) -> tuple[int, ...]:
    return tuple([numbered[number][4] for number in sorted(numbered)]) if numbered else ()


def _suspension(numbered: _Numbered) -> tuple[int | None, str]:
    begun = [
        (start[4], name)
        for name, end in (("supplement", "answer"), ("obligation", "settlement"), ("pause", "resumption"))
        for number, start in numbered.get(name, {}).items()
        if number not in numbered.get(end, {})
    ]
    return min(begun) if begun else (None, "")


def _money(registers: Registers, several: Iterable[str]) -> tuple[tuple[Payment, ...], tuple[Refund, ...]]:
    payments, refunds = [], []
    for key in sorted(several):
        name, _, transaction = key.partition(":")
        if name == "payment":
            _, amount, method, _ = registers[key][5]
            refund = registers.get(f"refund:{transaction}")
            refunded = refund[5][1] if refund else 0
            payments.append(Payment(registers[key][4], amount, method == "online", refunded))
        elif name == "refund":
            refunds.append(Refund(registers[key][4], registers[key][5][1]))
    return tuple(payments), tuple(refunds)


def _numbered(registers: Registers, several: Iterable[str]) -> dict[str, dict[int, Register]]:
    found: dict[str, dict[int, Register]] = {}
    for key in several:
        name, _, number = key.partition(":")
        if number.isdecimal() and name not in ("payment", "refund"):
            found.setdefault(name, {})[int(number)] = registers[key]
    return found
