"""Builds envelopes from events, per partition, up to a count, a size and an age. No I/O; time is passed in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schemas.envelope import MAX_EVENTS


@dataclass(frozen=True, slots=True)
class Limits:
    """When an envelope is full or due; `linger` is in seconds."""

    events: int = MAX_EVENTS
    size: int = 256 * 1024
    linger: float = 0.025


@dataclass(frozen=True, slots=True)
class Envelope:
    """Encoded events of one partition in the order in which they were added; `first_id` is the first event's id."""

    partition: int
    lines: tuple[bytes, ...]
    first_id: str
    size: int


@dataclass(slots=True)
class _Waiting:
    due: float = 0.0
    size: int = 0
    dossiers: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    first_id: str
    due: float
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


class EnvelopeBuilder:
    """The open envelopes, and the lines that are not assigned to one yet.

    Lines are collected until they would fill an envelope or are due, since `partitions_of` is cheap for many dossiers
    at once. Every line ends in exactly one envelope, and lines of one partition keep their order. Not thread-safe: the
    caller holds a lock until the returned envelopes are sent.
    """

    def __init__(self, limits: Limits, partitions_of: Callable[[Sequence[str]], Sequence[int]]) -> None:
        self._limits = limits
        self._partitions_of = partitions_of
        self._waiting = _Waiting()
        self._open: dict[int, _Open] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is no line at all."""
        return not self._waiting.lines and not self._open

    def add(self, dossier: str, event_id: str, line: bytes, now: float) -> list[Envelope]:
        """Add a line and return the envelopes that are full now; a line of the size limit gets one of its own."""
        waiting = self._waiting
        if not waiting.lines:
            waiting.due = now + self._limits.linger
        waiting.dossiers.append(dossier)
        waiting.ids.append(event_id)
        waiting.lines.append(line)
        waiting.size += len(line) + 1
        if len(waiting.lines) < self._limits.events and waiting.size < self._limits.size:
            return []
        return self._assign()

    def due(self, now: float) -> list[Envelope]:
        """Remove and return the envelopes that are due at `now`."""
        done = self._assign() if self._waiting.lines and self._waiting.due <= now else []
        return done + [self._take(partition) for partition, held in list(self._open.items()) if held.due <= now]

    def next_due(self) -> float | None:
        """When the oldest line is due; None while there is none."""
        dues = [held.due for held in self._open.values()]
        if self._waiting.lines:
            dues.append(self._waiting.due)
        return min(dues, default=None)

    def drain(self) -> list[Envelope]:
        """Remove and return all envelopes."""
        return self._assign() + [self._take(partition) for partition in list(self._open)]

    def _assign(self) -> list[Envelope]:
        """Assign the collected lines to the envelopes of their partitions; return the full ones."""
        waiting, self._waiting = self._waiting, _Waiting()
        most, limit = self._limits.events, self._limits.size
        done: list[Envelope] = []
        partitions = self._partitions_of(waiting.dossiers)
        for partition, event_id, line in zip(partitions, waiting.ids, waiting.lines, strict=True):
            size = len(line) + 1
            held = self._open.get(partition)
            if held is not None and held.size + size > limit:
                done.append(self._take(partition))
                held = None
            if held is None:
                # The line may be younger than the oldest one, and is then sent a little earlier than necessary.
                held = self._open[partition] = _Open(event_id, waiting.due)
            held.lines.append(line)
            held.size += size
            if len(held.lines) >= most or held.size >= limit:
                done.append(self._take(partition))
        return done

    def _take(self, partition: int) -> Envelope:
        held = self._open.pop(partition)
        return Envelope(partition, tuple(held.lines), held.first_id, held.size)
