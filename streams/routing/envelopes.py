"""Events as envelopes of `dossier-events`: in order per dossier, each in the partition of its dossier."""

from collections.abc import Iterable

from schemas.envelope import MAX_EVENTS, encode, encode_event
from schemas.events import AnyEvent
from schemas.partition import partitions_of

MAX_BYTES = 256 * 1024


def envelopes(events: Iterable[AnyEvent], partitions: int) -> list[tuple[int, bytes]]:
    """The envelopes of these events with their partitions; the order of a partition's events is kept."""
    given = list(events)
    lines: dict[int, list[list[bytes]]] = {}
    sizes: dict[int, int] = {}
    places = partitions_of([event.dossier for event in given], partitions) if given else []
    for event, partition in zip(given, places, strict=True):
        line = encode_event(event)
        held = lines.setdefault(partition, [])
        sizes[partition] = sizes.get(partition, 0) + len(line) + 1
        if not held or len(held[-1]) == MAX_EVENTS or sizes[partition] > MAX_BYTES:
            held.append([])
            sizes[partition] = len(line) + 1
        held[-1].append(line)
    return [(partition, encode(each)) for partition, held in lines.items() for each in held]
