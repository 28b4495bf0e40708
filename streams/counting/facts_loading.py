"""The facts of the next dossiers are brought into the caches, from local state or from the store."""

from collections.abc import Mapping, Sequence

from streams.counting.caches import NO_FACTS
from streams.counting.local_state import LocalState
from streams.counting.partition_run import PartitionRun
from streams.counting.store_interface import Store, Stored


def load_facts(
    store: Store, local: LocalState | None, runs: Sequence[PartitionRun], max_effort: int, max_bytes: int
) -> set[int]:
    """Cache the facts of the runs' next dossiers: as many as may be read at once, one at least.

    Returns the partitions of which facts are at or past the beginning of the batch.
    """
    left, ahead = max_bytes, set()
    asked: dict[str, PartitionRun] = {}
    for run in runs:
        missing = run.missing(max_effort)
        if not missing or left <= 0:
            continue
        answer = local.read(run.state.partition, missing, left) if local else None
        if answer is None:
            asked |= dict.fromkeys(missing, run)
            continue
        looked_up, found = answer
        left -= sum(len(stored.registers) for stored in found.values())
        if _cache(run, missing[:looked_up], found):
            ahead.add(run.state.partition)
    if not asked or left <= 0:
        return ahead
    dossiers = list(asked)
    looked_up, found = store.read_facts(dossiers, left)
    of_run: dict[int, list[str]] = {}
    for dossier in dossiers[:looked_up]:
        of_run.setdefault(asked[dossier].state.partition, []).append(dossier)
    for run in runs:
        partition = run.state.partition
        names = of_run.get(partition, [])
        if local and names:
            local.enter_read(partition, {dossier: found[dossier] for dossier in names if dossier in found})
        if _cache(run, names, found):
            ahead.add(partition)
    return ahead


def _cache(run: PartitionRun, dossiers: Sequence[str], found: Mapping[str, Stored]) -> bool:
    """Cache what was looked up of these dossiers; returns whether any of it is ahead of the batch."""
    ahead = False
    for dossier in dossiers:
        facts = found.get(dossier, NO_FACTS)
        run.state.facts.put(dossier, facts)
        ahead = ahead or facts.pos >= run.first_pos
    return ahead
