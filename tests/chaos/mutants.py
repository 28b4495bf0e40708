"""Code with one rule left out: the real source, but for a few words."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from streams.counting import (
    apply_deltas,
    batch_counting,
    caches,
    case,
    case_history,
    delta_parts,
    event_deltas,
    event_folding,
    facts,
    facts_loading,
    local_state,
    partition_run,
    partition_state,
    record_decoding,
    state_store,
    verdict_steps,
    write_order,
)
from streams.on_time import clock_stops, moving, plain_case, term, timeline, timelines, usual_timelines, verdicts
from streams.worker import pipeline

COUNTING = (
    *(caches, partition_state, partition_run, record_decoding),
    *(facts_loading, event_folding, apply_deltas, batch_counting),
)
"""The modules of the core of counting; each imports only what comes before it."""
JUDGING = (
    *(clock_stops, moving, term, verdicts, timeline, usual_timelines, timelines, plain_case),
    *(case_history, verdict_steps, facts, case, delta_parts, event_deltas, event_folding, batch_counting),
)
"""From the rules of being on time to counting, for what verdicts depend on."""
WRITING = (write_order, pipeline)
LOCAL = (state_store, local_state)


def without(modules: Sequence[ModuleType], *changes: tuple[str, str]) -> ModuleType:
    """The last of these modules, with other words in place of rules; each rule must be in them exactly once.

    Each module imports the mutants of those before it.
    """
    sources = [Path(str(module.__file__)).read_text() for module in modules]
    for rule, instead in changes:
        assert sum(source.count(rule) for source in sources) == 1, f"the source does not have exactly once: {rule}"
        sources = [source.replace(rule, instead) for source in sources]
    try:
        for module, source in zip(modules, sources, strict=True):
            mutant = sys.modules[module.__name__] = ModuleType(module.__name__)
            exec(compile(source, f"mutant of {module.__file__}", "exec"), mutant.__dict__)  # noqa: S102  # our own source
    finally:
        sys.modules.update({module.__name__: module for module in modules})
    return mutant
