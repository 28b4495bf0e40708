"""What every source of events owes: a way in is fed records, and gives events and what it put aside.

A new source adds itself to `SOURCES` of `test_source_contract.py`.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from schemas.envelope import encode_event
from schemas.events import Event
from streams.counting.registers import Registers, merged


@dataclass
class Fed:
    """What came of some records: the events in the order in which they are published, and what was put aside.

    `aside` has of each: its place, why, and all that is kept of it.
    """

    events: list[Event] = field(default_factory=list)
    aside: list[tuple[str, str, bytes]] = field(default_factory=list)

    @property
    def registers(self) -> dict[str, Registers]:
        """What the events state about each dossier, whatever their order and however often they came."""
        of: dict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            of[event.dossier].append(event)
        return {dossier: merged(events) for dossier, events in of.items()}

    @property
    def bytes(self) -> bytes:
        """Everything that leaves the source."""
        aside = [f"{place} {why} ".encode() + kept for place, why, kept in self.aside]
        return b"\n".join([*map(encode_event, self.events), *aside])


Feed: TypeAlias = Callable[[Sequence[bytes]], Fed]
"""Takes the records in this order, and gives all that comes of them."""
