"""How events fill envelopes, per partition, up to a count, a size and an age. Pure but for what is open."""

from dataclasses import dataclass, field

from schemas.envelope import MAX_EVENTS


@dataclass(frozen=True, slots=True)
class Limits:
    """When an envelope is full or old enough to go; `linger` is in seconds."""

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
class _Open:
    first_id: str
    due: float
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


class Filling:
    """The envelopes being filled.

    Every line that is added comes out in exactly one envelope, and lines of one partition come out in the order in
    which they went in. Not safe under threads: the caller holds a lock until what came out is sent.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[int, _Open] = {}

    def add(self, partition: int, event_id: str, line: bytes, now: float) -> list[Envelope]:
        """Add a line, and take out what is full by it; a line as large as the size limit travels alone."""
        limits = self._limits
        done: list[Envelope] = []
        held = self._open.get(partition)
        if held is not None and held.size + len(line) + 1 > limits.size:
            done.append(self._take(partition))
            held = None
        if held is None:
            held = self._open[partition] = _Open(event_id, now + limits.linger)
        held.lines.append(line)
        held.size += len(line) + 1
        if len(held.lines) >= limits.events or held.size >= limits.size:
            done.append(self._take(partition))
        return done

    def due(self, now: float) -> list[Envelope]:
        """Take out what is old enough at `now`."""
        return [self._take(partition) for partition, held in list(self._open.items()) if held.due <= now]

    def next_due(self) -> float | None:
        """When the oldest open envelope must go; None while nothing is open."""
        return min((held.due for held in self._open.values()), default=None)

    def drain(self) -> list[Envelope]:
        """Take out everything."""
        return [self._take(partition) for partition in list(self._open)]

    def _take(self, partition: int) -> Envelope:
        held = self._open.pop(partition)
        return Envelope(partition, tuple(held.lines), held.first_id, held.size)
