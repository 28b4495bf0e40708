"""The cut of an audit: the positions up to which stored rows are compared, however much is counted meanwhile."""

import time
from collections.abc import Mapping

from clickhouse_driver import Client
from msgspec import Struct

from schemas.topics import EVENTS
from streams.counting.log_position import pack, unpack
from streams.storage.epochs import read_history

_POLL_SECONDS = 0.1
_LONGEST_PATIENCE = 6
"""How many times the patience to wait for a position that progress moves towards and does not reach."""


class Cut(Struct, frozen=True):
    """Positions up to which everything is stored: by partition, and `floor` where nothing of this epoch is.

    Progress is written last. So a reader that reads it first gets all rows of events up to it, and a row of facts or
    windows at or before the cut is the state as of the cut.
    """

    reached: Mapping[int, int]
    floor: int

    def of(self, partition: int) -> int:
        """The position up to which everything of this partition is stored."""
        return self.reached.get(partition, self.floor)

    def covers(self, needed: Mapping[int, int]) -> bool:
        """Whether it has reached all these positions."""
        return all(self.of(partition) >= pos for partition, pos in needed.items())

    @property
    def offsets(self) -> dict[int, int]:
        """The first offset of each partition that is not counted."""
        return {partition: unpack(pos)[1] + 1 for partition, pos in self.reached.items() if pos > self.floor}

    def parameters(self) -> dict[str, object]:
        """The parameters of a condition with CUT."""
        # An empty list has no type.
        places = {1 << 15: self.floor} | dict(self.reached)
        return {"partitions": list(places), "positions": list(places.values()), "floor": self.floor}


CUT = "transform(partition, %(partitions)s, arrayMap(at -> toUInt64(at), %(positions)s), toUInt64(%(floor)s))"
"""The cut of a row's partition, in SQL."""
POSITION = "bitShiftLeft(toUInt64(epoch), 52) + bitShiftLeft(offset, 12) + line"
"""The position of a raw event, in SQL."""


def read_cut(client: Client) -> Cut:
    """The cut of this moment; raises what the driver does."""
    rows = client.execute("SELECT partition, pos FROM progress FINAL WHERE topic = %(topic)s", {"topic": EVENTS})
    serving = read_history(client).serving
    floor = pack(serving.epoch, 0, 0) - 1 if serving else 0
    return Cut({partition: max(pos, floor) for partition, pos in rows}, floor)


def wait_for(client: Client, needed: Mapping[int, int], patience: float) -> Cut:
    """The cut once it has reached these positions, or once it has not moved for `patience` seconds."""
    began = moved_at = time.monotonic()
    cut = read_cut(client)
    while not cut.covers(needed):
        time.sleep(_POLL_SECONDS)
        last, cut = cut, read_cut(client)
        now = time.monotonic()
        if any(cut.of(partition) != last.of(partition) for partition in needed):
            moved_at = now
        if now - moved_at > patience or now - began > patience * _LONGEST_PATIENCE:
            break
    return cut
