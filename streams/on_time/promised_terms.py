"""What the procedures of a catalogue promise, and how two catalogues differ in it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from schemas.reference.procedure import CHANNELS, ProcedureVersion
from schemas.reference.validity import FIRST_DAY, LAST_DAY, ONE_DAY, boundaries
from streams.on_time.promise import Promise, promise_of

_Versions: TypeAlias = dict[str, list[ProcedureVersion]]


class PromisedTerms:
    """The promises of a catalogue, by procedure, channel, and the local day of the reception."""

    def __init__(self, procedures: Iterable[ProcedureVersion], zone: ZoneInfo) -> None:
        self._versions = _by_code(procedures)
        self._zone = zone
        self._promises: dict[tuple[str, str, date], Promise | None] = {}

    def of(self, procedure: str, channel: str, received_at: int) -> Promise | None:
        """What this procedure promises to a dossier that came by this channel at this instant."""
        versions = self._versions.get(procedure)
        if versions is None:
            return None
        key = procedure, channel, datetime.fromtimestamp(received_at // 1_000_000, self._zone).date()
        if key not in self._promises:
            self._promises[key] = promise_of(versions, channel, key[2])
        return self._promises[key]


class ChangedPromise(NamedTuple):
    """The local days, both inclusive, on which a procedure promises something else to dossiers of a channel."""

    procedure: str
    channel: str
    first: date
    last: date


def changed_promises(before: Iterable[ProcedureVersion], after: Iterable[ProcedureVersion]) -> Iterator[ChangedPromise]:
    """All promises that are another one by a later catalogue."""
    old, new = _by_code(before), _by_code(after)
    for code in sorted(old.keys() | new.keys()):
        versions = old.get(code, []), new.get(code, [])
        if versions[0] != versions[1]:
            for channel in CHANNELS:
                yield from _changed(code, channel, *versions)


def _changed(
    code: str, channel: str, old: Sequence[ProcedureVersion], new: Sequence[ProcedureVersion]
) -> Iterator[ChangedPromise]:
    starts = [FIRST_DAY, *boundaries([*old, *new])]
    ends = [*(day - ONE_DAY for day in starts[1:]), LAST_DAY]
    for first, last in zip(starts, ends, strict=True):
        if promise_of(old, channel, first) != promise_of(new, channel, first):
            yield ChangedPromise(code, channel, first, last)


def _by_code(procedures: Iterable[ProcedureVersion]) -> _Versions:
    found: _Versions = {}
    for version in procedures:
        found.setdefault(version.code, []).append(version)
    return found
