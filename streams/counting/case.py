"""A case while events are folded into it: its registers, and what must not be looked for among all of them each time.

A dossier may have a thousand payments. What one more of them changes is told from sums over the others, which are made
once a batch and then kept up to date, so that an event costs the same whatever came before it.
"""

from collections.abc import Iterable

from msgspec import Struct

from schemas.counters import WINDOW_SECONDS
from streams.counting.packed_counters import ONE, Packed
from streams.counting.registers import Register, Registers, is_numbered, numbered_key

_WINDOW = WINDOW_SECONDS * 1_000_000


class Sums(Struct):
    """Sums over the registers that a case has several of."""

    registers: int = 0
    last_extension: str = ""
    """The register with the highest number, which gives the current term."""
    kept_online: int = 0
    """Payments made online and not given back."""
    windows: dict[int, Packed] = {}
    """What they count, by the start of the window in seconds."""

    def put(self, registers: Registers, key: str, said: Register) -> None:
        """Hear that this numbered register, which was what the registers hold of it, now says this."""
        held = registers.get(key)
        if held is None:
            self.registers += 1
        elif amount := counted(key, held):
            self._add(held[4], -amount)
        if amount := counted(key, said):
            self._add(said[4], amount)
        name, _, number = key.partition(":")
        if name == "extension":
            if not self.last_extension or int(number) > int(self.last_extension.partition(":")[2]):
                self.last_extension = key
        elif name == "payment":
            refund = registers.get(f"refund:{number}")
            self.kept_online += _is_kept_online(said, refund) - _is_kept_online(held, refund)
        elif name == "refund":
            payment = registers.get(f"payment:{number}")
            self.kept_online += _is_kept_online(payment, said) - _is_kept_online(payment, held)

    def _add(self, at: int, amount: Packed) -> None:
        start = at // _WINDOW * WINDOW_SECONDS
        if total := self.windows.get(start, 0) + amount:
            self.windows[start] = total
        else:
            del self.windows[start]


class Case(Struct):
    """The registers of a case, which `put` changes, and the position up to which they hold its events."""

    registers: dict[str, Register]
    pos: int = 0
    number: int = 0
    changed: bool = False
    _sums: Sums | None = None

    @property
    def sums(self) -> Sums:
        """The sums over what it has several of, made when they are asked for first."""
        if self._sums is None:
            self._sums = sums_of(self.registers)
        return self._sums

    def put(self, changed: Iterable[tuple[str, Register]]) -> None:
        """Let these registers say this."""
        if self._sums is not None:
            for key, said in changed:
                if is_numbered(key):
                    self._sums.put(self.registers, key, said)
        self.registers.update(changed)

    def refuses(self, said: Register, most: int) -> bool:
        """Whether this would be one more numbered register than the case may have.

        A register that is there never goes, and a case that has `most` gets no other. What is asked again of a later
        state of the case is therefore answered the same.
        """
        if len(self.registers) < most:
            return False
        key = numbered_key(said)
        return key is not None and key not in self.registers and self.sums.registers >= most


def sums_of(registers: Registers) -> Sums:
    """The sums over these registers."""
    sums = Sums()
    # Most cases have nothing that there can be several of.
    several = [key for key in registers if ":" in key]
    so_far: dict[str, Register] = {}
    for key in several:
        if is_numbered(key):
            sums.put(so_far, key, registers[key])
            so_far[key] = registers[key]
    return sums


def counted(key: str, said: Register) -> Packed:
    """What a numbered register counts in the window in which it occurred; nothing where it only is a fact."""
    name = key.partition(":")[0]
    if name == "payment":
        _transaction, amount, method, _gateway = said[5]
        online: Packed = ONE["payments_online"] if method == "online" else 0
        return ONE["payments"] + online + ONE["paid_amount"] * int(amount)
    if name == "refund":
        return ONE["refunds"] + ONE["refunded_amount"] * int(said[5][1])
    return _EACH.get(name, 0)


_EACH = {"extension": ONE["extensions"], "supplement": ONE["supplements"]}


def _is_kept_online(payment: Register | None, refund: Register | None) -> bool:
    if payment is None:
        return False
    _transaction, amount, method, _gateway = payment[5]
    return bool(method == "online" and (refund[5][1] if refund else 0) < max(amount, 1))
