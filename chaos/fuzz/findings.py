"""Findings of the fuzzer: inputs that violate a property, each reproducible from its seed and number."""

import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec
from msgspec import Struct

Progress = Callable[[int], None]
"""Hears how many inputs have been tried."""
SHOWN_BYTES = 2000


class Finding(Struct, frozen=True):
    """An input and what went wrong with it; `number` is -1 where no single input is to blame."""

    target: str
    seed: int
    number: int
    problem: str
    content: bytes = b""

    def __str__(self) -> str:
        again = f"; again with --target {self.target} --replay {self.seed}:{self.number}" if self.number >= 0 else ""
        more = f"... ({len(self.content)} bytes)" if len(self.content) > SHOWN_BYTES else ""
        shown = f"\n  {self.content[:SHOWN_BYTES]!r}{more}" if self.content else ""
        return f"{self.target} {self.seed}:{self.number}: {self.problem}{again}{shown}"


class Fuzzed(Struct):
    """A run: how many inputs were tried, what became of them by name, and what was found."""

    inputs: int = 0
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    findings: list[Finding] = []


def chance_of(seed: int, number: int) -> Random:
    """The randomness of one input, which depends on nothing that came before it."""
    return Random(f"{seed}:{number}")  # inputs must come again


def described(error: BaseException) -> str:
    """An unexpected exception in one line, with the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {place}: {error!s:.300}"
