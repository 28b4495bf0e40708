"""What must be stored after some events: the facts of every case, the counters of every window, every event."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeAlias
from zoneinfo import ZoneInfo

from kafka.partitioner.default import murmur2
from msgspec import Struct

from chaos.oracle.case import Case, Terms
from chaos.oracle.counts import counted
from chaos.oracle.event_content import digest_of
from chaos.oracle.facts import facts
from chaos.oracle.law import Law, built_in_law
from chaos.oracle.life import Life
from chaos.oracle.replay import replayed
from schemas.events import Event

WindowKey: TypeAlias = tuple[str, int, int]
"""(agency, start of the five minutes in seconds since 1970, Kafka partition)."""
EventKey: TypeAlias = tuple[str, str, int]
"""(case, event id, digest of the content): two contents of one id are two events."""


class Expected(Struct, frozen=True):
    """What must be stored: every case's facts, every window's counters that are not zero, every distinct event.

    `lives` say how each case stands at any instant, and `zone` on which local day that is.
    """

    facts: dict[str, Case]
    windows: dict[WindowKey, dict[str, int]]
    events: set[EventKey]
    lives: dict[str, Life]
    zone: ZoneInfo


def expected(
    events: Iterable[Event], *, partitions: int, terms: Terms, time_zone: str, law: Law | None = None
) -> Expected:
    """What must be stored after these events, which may come in any order and be repeated.

    `terms` and `time_zone` are the profile's, `law` is what else decides, as a rule the built-in one; `partitions` is
    the partition count of the events topic. The caller leaves out what counting dead-letters: events in the future,
    misplaced or invalid ones, and those of a full case.
    """
    events_of: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        events_of[event.dossier].append(event)
    zone = ZoneInfo(time_zone)
    found = Expected({}, {}, set(), {}, zone)
    law = law or built_in_law(time_zone)
    while events_of:
        dossier, of_case = events_of.popitem()  # a million events: each case is freed as soon as it is counted
        found.events.update((dossier, event.id, digest_of(event)) for event in of_case)
        state = replayed(of_case)
        if state is None:
            continue  # only amendments without a single field
        partition = (murmur2(dossier.encode()) & 0x7FFFFFFF) % partitions
        life = found.lives[dossier] = Life(state, law)
        case = found.facts[dossier] = facts(life, partition, terms, zone)
        for at, counter, amount in counted(case, life, zone):
            if at is not None and amount:
                key = (case.agency, at // 300_000_000 * 300, partition)
                counts = found.windows.setdefault(key, {})
                counts[counter] = counts.get(counter, 0) + amount
    return found


class Capacity:
    """Which events of a log, in its order, a case has room for: it takes `most` numbers and transactions in all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: defaultdict[str, set[tuple[type[Event], object]]] = defaultdict(set)

    def takes(self, event: Event) -> bool:
        """Whether this event, the next one of the log, counts."""
        which = getattr(event, "number", None) or getattr(event, "transaction", None)
        if which is None:
            return True
        taken = self._taken[event.dossier]
        if len(taken) < self._most:
            taken.add((type(event), which))
        return (type(event), which) in taken
