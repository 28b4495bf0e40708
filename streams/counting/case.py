"""A case while events are folded into it: its registers, and sums over those that it has several of.

A dossier may have a thousand payments. What one more of them changes follows from sums over the others, which are
computed once a batch and then kept up to date, so that the cost of an event does not depend on the events before it.
"""

from collections.abc import Iterable

from msgspec import Struct

from schemas.counters import WINDOW_SECONDS
from streams.counting.batch_limit import JUDGED_REGISTERS, JUDGING
from streams.counting.case_history import MOVING
from streams.counting.packed_counters import ONE, Packed
from streams.counting.registers import Register, Registers, is_numbered, numbered_key
from streams.counting.verdict_steps import Steps, steps_of
from streams.on_time.ruling import Ruling

_WINDOW = WINDOW_SECONDS * 1_000_000


class Sums(Struct):
    """Sums over the registers that a case has several of."""

    registers: int = 0
    last_extension: str = ""
    """The register with the highest number, which gives the current term."""
    kept_online: int = 0
    """Payments made online and not given back."""
    is_moved: bool = False
    """Whether there is an extension or a stop, so that the case may not be plain."""
    windows: dict[int, Packed] = {}
    """Their counters, by the start of the window in seconds."""

    def put(self, registers: Registers, key: str, register: Register) -> None:
        """Update the sums for a numbered register that replaces the one with its key in `registers`."""
        current = registers.get(key)
        if current is None:
            self.registers += 1
        elif amount := counted(key, current):
            self._add(current[4], -amount)
        if amount := counted(key, register):
            self._add(register[4], amount)
        name, _, number = key.partition(":")
        if name in MOVING:
            self.is_moved = True
        if name == "extension":
            if not self.last_extension or int(number) > int(self.last_extension.partition(":")[2]):
                self.last_extension = key
        elif name == "payment":
            refund = registers.get(f"refund:{number}")
            self.kept_online += _is_kept_online(register, refund) - _is_kept_online(current, refund)
        elif name == "refund":
            payment = registers.get(f"payment:{number}")
            self.kept_online += _is_kept_online(payment, register) - _is_kept_online(payment, current)

    def _add(self, at: int, amount: Packed) -> None:
        start = at // _WINDOW * WINDOW_SECONDS
        if total := self.windows.get(start, 0) + amount:
            self.windows[start] = total
        else:
            del self.windows[start]


class Case(Struct):
    """The registers of a case, which `put` changes, and the position up to which its events are in them."""

    registers: dict[str, Register]
    pos: int = 0
    number: int = 0
    changed: bool = False
    effort: int = 0
    """What judging it took, in units of `streams.counting.batch_limit`."""
    judged: Steps | None = None
    """The steps of its verdicts, where they are known."""
    _sums: Sums | None = None

    @property
    def sums(self) -> Sums:
        """The sums over the registers that it has several of, computed at the first use."""
        if self._sums is None:
            self._sums = sums_of(self.registers)
        return self._sums

    def steps(self, ruling: Ruling) -> Steps:
        """The steps of its verdicts; they are made once between two changes."""
        if self.judged is None:
            self.judged = steps_of(self.registers, ruling)
            self.effort += JUDGING + len(self.registers) // JUDGED_REGISTERS
        return self.judged

    def put(self, changed: Iterable[tuple[str, Register]]) -> None:
        """Put these registers in place of those with the same keys."""
        self.judged = None
        if self._sums is not None:
            for key, register in changed:
                if is_numbered(key):
                    self._sums.put(self.registers, key, register)
        self.registers.update(changed)

    def refuses(self, register: Register, most: int) -> bool:
        """Whether this register would be one more numbered register than the case may have.

        A register is never removed, and a case that has `most` of them gets no other. A later state of the case
        therefore gives the same answer.
        """
        if len(self.registers) < most:
            return False
        key = numbered_key(register)
        return key is not None and key not in self.registers and self.sums.registers >= most


def sums_of(registers: Registers) -> Sums:
    """The sums over these registers."""
    sums = Sums()
    # Most cases have no numbered registers.
    several = [key for key in registers if ":" in key]
    so_far: dict[str, Register] = {}
    for key in several:
        if is_numbered(key):
            sums.put(so_far, key, registers[key])
            so_far[key] = registers[key]
    return sums


def counted(key: str, register: Register) -> Packed:
    """The counters of a numbered register in the window in which it occurred; 0 where it is only a fact."""
    name = key.partition(":")[0]
    if name == "payment":
        _transaction, amount, method, _gateway = register[5]
        online: Packed = ONE["payments_online"] if method == "online" else 0
        return ONE["payments"] + online + ONE["paid_amount"] * int(amount)
    if name == "refund":
        return ONE["refunds"] + ONE["refunded_amount"] * int(register[5][1])
    return _EACH.get(name, 0)


_EACH = {"extension": ONE["extensions"], "supplement": ONE["supplements"]}


def _is_kept_online(payment: Register | None, refund: Register | None) -> bool:
    if payment is None:
        return False
    _transaction, amount, method, _gateway = payment[5]
    return bool(method == "online" and (refund[5][1] if refund else 0) < max(amount, 1))
