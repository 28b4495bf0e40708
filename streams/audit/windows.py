"""Every window again from facts, as of the position that its row claims."""

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
from schemas.instant import from_micros
from schemas.profile import Profile
from schemas.tables import WINDOWS
from streams.audit.cut import CUT, Cut, read_cut, wait_for
from streams.audit.findings import WindowDifference
from streams.audit.raw_events import Said, named, replacing, said
from streams.counting.contributions import contributions
from streams.counting.facts import facts_of
from streams.counting.registers import Register, news
from streams.counting.store import WindowRow
from streams.queries import query

_ROUNDS = 5
_SECOND = 1_000_000

_NEVER = 1 << 64
"""After every position."""

_Counted: TypeAlias = Mapping[WindowRow, Mapping[str, int]]
_Counts: TypeAlias = defaultdict[str, int]


class _Window(Struct):
    """What is stored of a window up to its position, and what the facts as of the cut add up to, without moved ones."""

    pos: int = 0
    stored: _Counts = msgspec.field(default_factory=partial(defaultdict, int))
    base: _Counts = msgspec.field(default_factory=partial(defaultdict, int))


class Windows:
    """Looks at windows, waiting so many seconds for progress that stands still.

    Two things move while a look takes its time. Facts beyond the cut are left out of the sum, and come in as what their
    events said. Windows beyond the cut are taken as they are seen, and what they should be is asked as of their
    position, once progress has come to it: few cases changed by then, and each is unrolled event by event.
    """

    def __init__(self, clickhouse: ClickHouseConnection, profile: Profile, patience: float) -> None:
        self._clickhouse = clickhouse
        self._profile = profile
        self._patience = patience

    def look(self, client: Client, only: Set[WindowRow] | None) -> tuple[list[WindowDifference], int]:
        """The differences, and how many windows are unconfirmed, of all or only these; raises what the driver does."""
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
        """Differences; windows that may differ by what was replaced, to be looked at again; and how many are beyond."""
        cut = read_cut(client)
        windows, moved = self._sums(client, cut, only)
        needed: dict[int, int] = {}
        for (_, _, partition), window in windows.items():
            if window.pos > cut.of(partition):
                needed[partition] = max(needed.get(partition, 0), window.pos)
        later = wait_for(client, needed, self._patience) if needed else read_cut(client)
        seen = set(windows)
        touching = self._unroll(client, windows, moved, cut, later, only)
        differences: list[WindowDifference] = []
        doubted: dict[WindowRow, list[WindowDifference]] = {}
        beyond = 0
        for key, window in windows.items():
            if window.pos > later.of(key[2]):
                beyond += 1
                continue
            if found := _differences(key, window):
                if touching[key]:
                    doubted[key] = found
                else:
                    differences += found
        names = {name for key in doubted for name in touching[key]}
        maybe = {name for part in named(names) for name in replacing(client, part, cut)} if names else set()
        # What is stored of a window that came in by a case alone is not known yet.
        again = {key for key in doubted if key not in seen or touching[key] & maybe}
        differences += [each for key, found in doubted.items() if key not in again for each in found]
        return differences, again, beyond

    def _sums(self, client: Client, cut: Cut, only: Set[WindowRow] | None) -> tuple[dict[WindowRow, _Window], set[str]]:
        """Windows that differ or moved beyond the cut, and the cases that moved beyond it."""
        windows: dict[WindowRow, _Window] = {}
        moved: set[str] = set()
        asked = None
        of_recomputed = of_stored = "1"
        if only is not None:
            columns = [("agency", "String"), ("window", WINDOWS.columns["window"]), ("partition", "UInt16")]
            data = [dict(zip(("agency", "window", "partition"), row, strict=True)) for row in only]
            asked = [{"name": "asked", "structure": columns, "data": data}]
            of_stored = "(agency, window, partition) IN asked"
            of_recomputed = "(agency, toStartOfFiveMinutes(assumeNotNull(counted.1)), partition) IN asked"
        sql = query("audit_windows", self._profile).replace("{cut}", CUT)
        sql = sql.replace("{of_stored}", of_stored).replace("{of_recomputed}", of_recomputed)
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

    def _unroll(
        self,
        client: Client,
        windows: dict[WindowRow, _Window],
        moved: set[str],
        cut: Cut,
        later: Cut,
        only: Set[WindowRow] | None,
    ) -> Mapping[WindowRow, set[str]]:
        """Add to each window what cases counted in it as of its position and its sum has not; tells by window who."""
        touching: defaultdict[WindowRow, set[str]] = defaultdict(set)
        positions: defaultdict[int, list[int]] = defaultdict(list)
        for (_, _, partition), window in sorted(windows.items(), key=lambda pair: pair[1].pos):
            positions[partition].append(window.pos)
        sql = f"SELECT DISTINCT dossier FROM facts WHERE pos > {CUT}"  # noqa: S608  # our names
        names = moved | {name for (name,) in client.execute(sql, cut.parameters())}
        for part in named(names):
            with closing(said(self._clickhouse, part)) as events:
                for dossier, group in groupby(events, key=lambda pair: pair[0]):
                    name = dossier.decode()
                    states = self._states([event for _, event in group], positions, cut, later)
                    for key in {key for _, counted in states for key in counted}:
                        if only is not None and key not in only:
                            continue
                        touching[key].add(name)
                        window = windows.setdefault(key, _Window())
                        at = max(window.pos, cut.of(key[2]))
                        known = next(counted for pos, counted in reversed(states) if pos <= at)
                        for counter, amount in known.get(key, {}).items():
                            window.base[counter] += amount
                        for counter, amount in () if name in moved else states[0][1].get(key, {}).items():
                            window.base[counter] -= amount
        return touching

    def _states(
        self, events: list[Said], positions: Mapping[int, Sequence[int]], cut: Cut, later: Cut
    ) -> list[tuple[int, _Counted]]:
        """What a case counts as of the cut, and after its events beyond it, by the position from which on it does.

        Only those that a window may be asked at, since asking is as dear as a case is long; and the last one of all,
        after no position, which tells what windows it has to do with.
        """
        registers: dict[str, Register] = {}
        events.sort(key=lambda event: event.pos)
        partition = events[-1].partition
        asked = positions.get(partition, ())
        first = bisect(events, cut.of(partition), key=lambda event: event.pos)
        for event in events[:first]:
            registers.update(news(registers, event.register))
        states = [(0, self._counted(registers, partition))]
        for index, event in enumerate(events[first:], first + 1):
            registers.update(news(registers, event.register))
            until = events[index].pos if index < len(events) else later.of(partition) + 1
            if bisect_left(asked, event.pos) < bisect_left(asked, until):
                states.append((event.pos, self._counted(registers, partition)))
        return [*states, (_NEVER, self._counted(registers, partition))]

    def _counted(self, registers: dict[str, Register], partition: int) -> _Counted:
        counted = contributions(facts_of(registers), self._profile)
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
