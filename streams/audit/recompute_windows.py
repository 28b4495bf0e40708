"""Windows against facts: each row of a window is recomputed as of its own position."""

from bisect import bisect, bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from contextlib import closing
from functools import partial
from itertools import groupby
from typing import TypeAlias

import msgspec
from clickhouse_driver import Client
from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.instant import from_micros
from schemas.tables import WINDOWS
from streams.audit.cutoff import CUT, Cut, read_cut, wait_for
from streams.audit.findings import WindowDifference
from streams.audit.raw_events import RawEvent, may_have_replaced, parts_of, read_raw_events
from streams.counting.contributions import contributions
from streams.counting.facts import facts_of
from streams.counting.registers import Register, updates
from streams.counting.store_interface import WindowRow
from streams.on_time.ruling import Ruling
from streams.queries import figures, query
from streams.storage.clickhouse_client import external_table

_ROUNDS = 5
_SECOND = 1_000_000

_NEVER = 1 << 64
"""After every position."""

_Counted: TypeAlias = Mapping[WindowRow, Mapping[str, int]]
_Counts: TypeAlias = defaultdict[str, int]


class _Window(Struct):
    """The stored counts of a window at its position, and the sum of the facts that did not move beyond the cut."""

    pos: int = 0
    stored: _Counts = msgspec.field(default_factory=partial(defaultdict, int))
    base: _Counts = msgspec.field(default_factory=partial(defaultdict, int))


class WindowCheck:
    """Checks windows; it waits `patience` seconds for progress that does not move.

    Counting goes on during a check. Facts beyond the cut are left out of the sum in SQL, and are added from their
    events. Windows beyond the cut are taken as they were read, and recomputed as of their position once progress has
    reached it: few cases changed by then, and each of them is replayed event by event.
    """

    def __init__(self, clickhouse: ClickHouseConnection, profile: Profile, ruling: Ruling, patience: float) -> None:
        self._clickhouse = clickhouse
        self._profile = profile
        self._ruling = ruling
        self._patience = patience

    def run(self, client: Client, only: Set[WindowRow] | None) -> tuple[list[WindowDifference], int]:
        """The differences of all or only these windows, and how many are unconfirmed; raises what the driver does."""
        differences: list[WindowDifference] = []
        unconfirmed = 0
        for _ in range(_ROUNDS):
            found, doubtful, beyond = self._round(client, only)
            differences += found
            unconfirmed += beyond
            if not doubtful:
                break
            only = doubtful
        else:
            unconfirmed += len(doubtful)
        return sorted(differences, key=_place), unconfirmed

    def _round(self, client: Client, only: Set[WindowRow] | None) -> tuple[list[WindowDifference], set[WindowRow], int]:
        """Differences; windows to check again, as a replaced event may explain them; and how many are unconfirmed."""
        cut = read_cut(client)
        windows, moved = self._sums(client, cut, only)
        needed: dict[int, int] = {}
        for (_, _, partition), window in windows.items():
            if window.pos > cut.of(partition):
                needed[partition] = max(needed.get(partition, 0), window.pos)
        later = wait_for(client, needed, self._patience) if needed else read_cut(client)
        read = set(windows)
        cases_of = self._replay_moved(client, windows, moved, cut, later, only)
        differences: list[WindowDifference] = []
        doubted: dict[WindowRow, list[WindowDifference]] = {}
        beyond = 0
        for key, window in windows.items():
            if window.pos > later.of(key[2]):
                beyond += 1
                continue
            if found := _differences(key, window):
                if cases_of[key]:
                    doubted[key] = found
                else:
                    differences += found
        names = {name for key in doubted for name in cases_of[key]}
        unsure = {name for part in parts_of(names) for name in may_have_replaced(client, part, cut)} if names else set()
        # A window that only a moved case led to was not read yet.
        again = {key for key in doubted if key not in read or cases_of[key] & unsure}
        differences += [each for key, found in doubted.items() if key not in again for each in found]
        return differences, again, beyond

    def _sums(self, client: Client, cut: Cut, only: Set[WindowRow] | None) -> tuple[dict[WindowRow, _Window], set[str]]:
        """The windows that differ or are beyond the cut, and the cases that are beyond it."""
        windows: dict[WindowRow, _Window] = {}
        moved: set[str] = set()
        asked = None
        of_recomputed = of_stored = "1"
        if only is not None:
            columns = {"agency": "String", "window": WINDOWS.columns["window"], "partition": "UInt16"}
            asked = external_table(columns, only)
            of_stored = "(agency, window, partition) IN asked"
            of_recomputed = "(agency, toStartOfFiveMinutes(assumeNotNull(counted.1)), partition) IN asked"
        sql = query(
            "audit_windows",
            self._profile,
            counters=figures(COUNTERS),
            cut=CUT,
            of_stored=of_stored,
            of_recomputed=of_recomputed,
        )
        for agency, start, partition, counter, stored, base, pos in client.execute_iter(
            sql, cut.parameters(), external_tables=asked
        ):
            if counter == "moved":
                moved.add(agency)
                continue
            window = windows.setdefault((agency, start, partition), _Window())
            if counter == "touched":
                window.pos = pos
                continue
            window.stored[counter] += stored
            window.base[counter] += base
        return windows, moved

    def _replay_moved(
        self,
        client: Client,
        windows: dict[WindowRow, _Window],
        moved: set[str],
        cut: Cut,
        later: Cut,
        only: Set[WindowRow] | None,
    ) -> Mapping[WindowRow, set[str]]:
        """Add to each window what moved cases counted in it as of its position; returns the cases of each window."""
        cases_of: defaultdict[WindowRow, set[str]] = defaultdict(set)
        positions: defaultdict[int, list[int]] = defaultdict(list)
        for (_, _, partition), window in sorted(windows.items(), key=lambda pair: pair[1].pos):
            positions[partition].append(window.pos)
        sql = f"SELECT DISTINCT dossier FROM facts WHERE pos > {CUT}"  # noqa: S608  # our names
        names = moved | {name for (name,) in client.execute(sql, cut.parameters())}
        for part in parts_of(names):
            with closing(read_raw_events(self._clickhouse, part)) as events:
                for dossier, group in groupby(events, key=lambda pair: pair[0]):
                    name = dossier.decode()
                    states = self._states([event for _, event in group], positions, cut, later)
                    for key in {key for _, counted in states for key in counted}:
                        if only is not None and key not in only:
                            continue
                        cases_of[key].add(name)
                        window = windows.setdefault(key, _Window())
                        at = max(window.pos, cut.of(key[2]))
                        counts = next(counted for pos, counted in reversed(states) if pos <= at)
                        for counter, amount in counts.get(key, {}).items():
                            window.base[counter] += amount
                        for counter, amount in () if name in moved else states[0][1].get(key, {}).items():
                            window.base[counter] -= amount
        return cases_of

    def _states(
        self, events: list[RawEvent], positions: Mapping[int, Sequence[int]], cut: Cut, later: Cut
    ) -> list[tuple[int, _Counted]]:
        """What a case counts as of the cut, and after each of its events beyond it, by position.

        Only states at which a window may be compared are computed, as each costs as much as the case has registers. The
        last state of all is added at no position: it shows all windows of the case.
        """
        registers: dict[str, Register] = {}
        events.sort(key=lambda event: event.pos)
        partition = events[-1].partition
        asked = positions.get(partition, ())
        first = bisect(events, cut.of(partition), key=lambda event: event.pos)
        for event in events[:first]:
            registers.update(updates(registers, event.register))
        states = [(0, self._counted(registers, partition))]
        for index, event in enumerate(events[first:], first + 1):
            registers.update(updates(registers, event.register))
            until = events[index].pos if index < len(events) else later.of(partition) + 1
            if bisect_left(asked, event.pos) < bisect_left(asked, until):
                states.append((event.pos, self._counted(registers, partition)))
        return [*states, (_NEVER, self._counted(registers, partition))]

    def _counted(self, registers: dict[str, Register], partition: int) -> _Counted:
        counted = contributions(facts_of(registers, self._ruling), self._profile)
        return {(agency, start, partition): counts for (agency, start), counts in counted.items()}


def _differences(key: WindowRow, window: _Window) -> list[WindowDifference]:
    agency, start, partition = key
    at = from_micros(start * _SECOND).isoformat()
    return [
        WindowDifference(agency, at, partition, counter, window.stored[counter], window.base[counter])
        for counter in sorted({**window.stored, **window.base}, key=list(COUNTERS).index)
        if window.stored[counter] != window.base[counter]
    ]


def _place(each: WindowDifference) -> tuple[str, str, int, str]:
    return each.agency, each.window, each.partition, each.counter
