"""The data set that every system counts: the first events of a city's year, from a seed, 5 % of them sent twice."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from connectors.publishing.envelope_builder import EnvelopeBuilder, Limits
from connectors.simulator.history import history
from connectors.simulator.simulation_plan import Plan
from schemas.counters import WINDOW_SECONDS
from schemas.envelope import encode, encode_event
from schemas.events import Event
from schemas.partition import partitions_of

AGENCIES = 600
DUPLICATES = 0.05
_BEGIN, _END = datetime(2024, 1, 8, tzinfo=UTC), datetime(2025, 1, 8, tzinfo=UTC)
_DOSSIERS = 2_190_000  # six thousand a day

Cell: TypeAlias = tuple[str, int, str]
"""(agency, start of the five minutes in seconds since 1970, kind of event): what peers count events by."""


class Line(NamedTuple):
    """One event, as JSON with an `agency` whatever its kind."""

    dossier: str
    content: bytes


class Record(NamedTuple):
    """One Kafka record."""

    partition: int
    key: bytes | None
    value: bytes
    at: float = 0.0
    """When the broker got it, in seconds since 1970, where the topic says so."""


class Flat(Struct, frozen=True, gc=False):
    """What peers read of an event."""

    id: str
    dossier: str
    agency: str
    kind: str
    occurred_at: datetime

    @property
    def cell(self) -> Cell:
        """Where it counts."""
        return self.agency, int(self.occurred_at.timestamp()) // WINDOW_SECONDS * WINDOW_SECONDS, self.kind


def lines(seed: int, events: int) -> list[Line]:
    """The first so many events in order of arrival; a greater number begins with the same ones."""
    plan = Plan(seed=seed, agencies=AGENCIES, duplicates=DUPLICATES)
    arrived = (event for _, event in history(plan, _BEGIN, _END, _DOSSIERS))
    return [Line(event.dossier, _flat(event)) for event in islice(arrived, events)]


def _flat(event: Event) -> bytes:
    """The event's own encoding, with the time it was recorded and an agency where it says none; counting ignores both.

    The agency then is the one that received the case, whose code begins the case's id.
    """
    line = encode_event(event)
    more = b""
    if event.recorded_at is None:
        more += b',"recorded_at":' + msgspec.json.encode(event.occurred_at)
    if getattr(event, "agency", None) is None:
        more += b',"agency":"%s"' % event.dossier.rsplit("-", 2)[0].encode()
    return line[:-1] + more + b"}"


_FLAT = msgspec.json.Decoder(Flat)


def truth(data: Iterable[Line]) -> Counter[Cell]:
    """How many events each cell has, each id once."""
    events = {event.id: event for event in (_FLAT.decode(line.content) for line in data)}
    return Counter(event.cell for event in events.values())


def difference(counted: Counter[Cell], expected: Counter[Cell]) -> int:
    """How many units are wrong: the sum over all cells of what is too much or too little."""
    return sum(abs(counted[cell] - expected[cell]) for cell in counted.keys() | expected.keys())


def singles(data: Sequence[Line], partitions: int) -> Iterator[Record]:
    """A record for each event, its key the dossier."""
    of_partition = partitions_of([line.dossier for line in data], partitions)
    for line, partition in zip(data, of_partition, strict=True):
        yield Record(partition, line.dossier.encode(), line.content)


def envelopes(data: Iterable[Line], partitions: int) -> Iterator[Record]:
    """The envelopes that a publisher makes of them when it has a backlog."""
    filling = EnvelopeBuilder(Limits(), lambda dossiers: partitions_of(dossiers, partitions))
    for line in data:
        for envelope in filling.add(line.dossier, "", line.content, 0.0):
            yield Record(envelope.partition, None, encode(envelope.lines))
    for envelope in filling.drain():
        yield Record(envelope.partition, None, encode(envelope.lines))
