"""`python -m chaos.fuzz --target decoder|server`: throw malformed inputs at a reader until it does something wrong.

Exit codes: 0 nothing was found, 1 something was, 2 wrong usage, 130 or 143 stopped.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from chaos.fuzz.decoder_target import fuzz_decoder
from chaos.fuzz.findings import Fuzzed, Progress
from chaos.fuzz.server_target import fuzz_server
from cli.signals import Terminated, stop_signals

Fuzz: TypeAlias = Callable[[int, int, Progress | None, int], Fuzzed]
TARGETS: dict[str, Fuzz] = {"decoder": fuzz_decoder, "server": fuzz_server}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, and tell on standard output what was found."""
    parser = argparse.ArgumentParser(
        prog="chaos.fuzz",
        description="Malformed inputs for the decoder and for the embedded ClickHouse server; each is made from a seed "
        "and its number, so that it can be tried again.",
    )
    parser.add_argument("--target", choices=TARGETS, required=True, help="what is fuzzed")
    parser.add_argument("--inputs", type=_positive, default=100_000, metavar="N", help="how many; default 100,000")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="what they are made from; default 1")
    parser.add_argument("--replay", type=_place, metavar="SEED:NUMBER", help="try only this one again")
    given = parser.parse_args(arguments)
    seed, first = given.replay or (given.seed, 0)
    inputs = 1 if given.replay else given.inputs
    begun = time.monotonic()

    def show(done: int) -> None:
        print(f"\r{done:,} of {inputs:,} inputs, {time.monotonic() - begun:.0f} s", end="", file=sys.stderr, flush=True)

    try:
        with stop_signals(lambda: None, lambda: None):
            fuzzed = TARGETS[given.target](seed, inputs, show, first)
    except (KeyboardInterrupt, Terminated) as stopped:
        print("\nstopped", file=sys.stderr)
        return stopped.code if isinstance(stopped, Terminated) and isinstance(stopped.code, int) else 130
    print(file=sys.stderr)
    for finding in fuzzed.findings:
        print(finding)
    outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(fuzzed.outcomes.items()))
    print(f"{given.target}: {fuzzed.inputs:,} inputs of seed {seed}, {len(fuzzed.findings)} findings; {outcomes}")
    return 1 if fuzzed.findings else 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1")
    return number


def _place(text: str) -> tuple[int, int]:
    seed, _, number = text.partition(":")
    try:
        return int(seed), int(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no SEED:NUMBER, such as 1:4711") from None


if __name__ == "__main__":
    sys.exit(main())
