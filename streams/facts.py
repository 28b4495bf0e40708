"""The facts of a case: what its registers mean, flat, as the facts table keeps them and people ask for them."""

from typing import Literal

from msgspec import Struct

from streams.registers import Register, Registers, Value

CaseKind = Literal["", "dossier", "feedback"]
Outcome = Literal["", "resolved", "withdrawn", "refused", "stopped", "answered"]
Suspension = Literal["", "supplement", "obligation", "pause"]


class Payment(Struct, frozen=True, gc=False):
    """A confirmed payment: when, how much, whether online, and how much of it was given back."""

    at: int
    amount: int
    online: bool
    refunded: int


class Refund(Struct, frozen=True, gc=False):
    """Money given back: when and how much."""

    at: int
    amount: int


class Facts(Struct, frozen=True, kw_only=True):
    """One case as of its latest records. All times are microseconds since 1970 in UTC; None is "not known".

    `case_kind` is empty as long as no reception was seen: such a case counts nowhere yet. `agency` is the one
    responsible now, `receiver` the office that took the dossier in. `term` is the current
    term, `term_original` the first.
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

    @property
    def is_open(self) -> bool:
        """Whether it was received and has neither an outcome nor been voided."""
        return bool(self.case_kind) and not self.voided and not self.outcome


def facts_of(registers: Registers) -> Facts:
    """What these registers mean, a pure function of them."""
    numbered = _numbered(registers)
    intake = registers.get("intake")
    known: dict[str, object] = {}
    if intake is not None:
        known |= _intake(registers, intake)
    if assignment := registers.get("assignment"):
        known["agency"] = assignment[5][0]
    if void := registers.get("void"):
        known["voided"] = void[5][0]
    if progress := registers.get("progress"):
        known |= {"step": progress[5][0], "unit": progress[5][1] or "", "step_at": progress[4]}
    if digitisation := registers.get("digitisation"):
        components, digitised, reused, _ = digitisation[5]
        known |= {"digitised_at": digitisation[4], "components": components}
        known |= {"components_digitised": digitised, "components_reused": reused}
    if rating := registers.get("rating"):
        known |= {"rated_at": rating[4], "satisfied": rating[5][0], "score": rating[5][1] or 0}
    known |= _term(registers, numbered.get("extension", {}))
    known |= _suspension(numbered)
    known |= _outcome(registers)
    known |= _money(registers)
    return Facts(**known)  # type: ignore[arg-type]  # each part builds the types its register carries


def _intake(registers: Registers, intake: Register) -> dict[str, object]:
    def amended(field: str, value: Value) -> Value:
        amendment = registers.get(f"amended:{field}")
        return amendment[5][0] if amendment is not None and amendment[:3] > intake[:3] else value

    agency, channel, *rest = intake[5]
    procedure, receiver, fee_bearing = rest or (None, None, False)
    return {
        "case_kind": "dossier" if intake[3] == "received" else "feedback",
        "agency": amended("agency", agency),
        "channel": amended("channel", channel),
        "received_at": amended("received_at", intake[4]),
        "procedure": amended("procedure", procedure) or "",
        "receiver": receiver or "",
        "fee_bearing": amended("fee_bearing", fee_bearing),
    }


def _term(registers: Registers, extensions: dict[int, Register]) -> dict[str, object]:
    known: dict[str, object] = {}
    if term := registers.get("term"):
        known |= {"term_original": term[5][0], "term": term[5][0]}
    if extensions:
        known["term"] = extensions[max(extensions)][5][0]
        known["extended_at"] = tuple(extensions[number][4] for number in sorted(extensions))
        known["apologies"] = sum(bool(extension[5][2]) for extension in extensions.values())
    return known


def _suspension(numbered: dict[str, dict[int, Register]]) -> dict[str, object]:
    requested = numbered.get("supplement", {})
    known: dict[str, object] = {"supplement_requested_at": tuple(requested[number][4] for number in sorted(requested))}
    begun = [
        (start[4], name)
        for name, end in (("supplement", "answer"), ("obligation", "settlement"), ("pause", "resumption"))
        for number, start in numbered.get(name, {}).items()
        if number not in numbered.get(end, {})
    ]
    if begun:
        known["suspended_at"], known["suspension"] = min(begun)
    return known


def _outcome(registers: Registers) -> dict[str, object]:
    outcome, returned = registers.get("outcome"), registers.get("return")
    known: dict[str, object] = {"returned_at": returned[4] if returned else None}
    if returned is not None and (outcome is None or (outcome[3] == "reopened" and returned[:3] > outcome[:3])):
        # A result that was handed over was there, although the source never said when it was ready.
        return known | {"outcome": "resolved", "outcome_at": returned[4]}
    if outcome is None or outcome[3] == "reopened":
        return known
    known |= {"outcome": "answered" if outcome[3] == "feedback_answered" else outcome[3], "outcome_at": outcome[4]}
    return known | {"electronic_result": outcome[3] == "resolved" and outcome[5][0]}


def _money(registers: Registers) -> dict[str, object]:
    payments, refunds = [], []
    for key in sorted(registers):
        name, _, transaction = key.partition(":")
        if name == "payment":
            _, amount, method, _ = registers[key][5]
            refund = registers.get(f"refund:{transaction}")
            refunded = refund[5][1] if refund else 0
            payments.append(Payment(registers[key][4], amount, method == "online", refunded))  # type: ignore[arg-type]
        elif name == "refund":
            refunds.append(Refund(registers[key][4], registers[key][5][1]))  # type: ignore[arg-type]
    return {"payments": tuple(payments), "refunds": tuple(refunds)}


def _numbered(registers: Registers) -> dict[str, dict[int, Register]]:
    found: dict[str, dict[int, Register]] = {}
    for key, register in registers.items():
        name, _, number = key.partition(":")
        if number.isdecimal() and name not in ("payment", "refund"):
            found.setdefault(name, {})[int(number)] = register
    return found
