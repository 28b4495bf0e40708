"""What needs no deployment: the simulation of counting, and malformed input for whatever reads what others send."""

from collections.abc import Callable

from msgspec import structs

from chaos.fuzz.decoder_target import fuzz_decoder
from chaos.fuzz.findings import Fuzzed
from chaos.fuzz.server_target import fuzz_server
from chaos.outcome import Outcome
from chaos.run_scale import Scale
from chaos.simulation.runs import explain, simulate


def simulation(scale: Scale, seed: int) -> Outcome:
    """Schedules of crashes, zombies, partial and delayed inserts; the first that ends wrong is told shrunk."""
    found = simulate(seed * scale.schedules, scale.schedules)
    failure = "\n".join(explain(each.seed) for each in found.failures)
    return Outcome(runs=found.runs, events=found.events, failure=failure)


def malformed_events(scale: Scale, seed: int) -> Outcome:
    """Lines, records and files that are no events, for everything that decodes."""
    return _fuzzed(fuzz_decoder, scale, seed)


def malformed_protocol(scale: Scale, seed: int) -> Outcome:
    """Conversations that no client of ClickHouse has, for the embedded server."""
    return _fuzzed(fuzz_server, scale, seed)


def _fuzzed(fuzz: Callable[[int, int], Fuzzed], scale: Scale, seed: int) -> Outcome:
    fuzzed = fuzz(seed, scale.malformed)
    # Without their bytes: they are made again by their numbers.
    failure = "\n".join(str(structs.replace(finding, content=b"")) for finding in fuzzed.findings[:5])
    return Outcome(runs=fuzzed.inputs, failure=failure)
