"""How far a worker is behind in the partitions that it owns."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct, field

from streams.counting.record import Record


class _Partition(Struct):
    """An owned partition: the next offset to count, where the log ends, and what is being counted."""

    next_offset: int | None = None
    end: int = 0
    stable: int = 0
    """The last stable offset: records from here on wait for an open transaction."""
    in_progress: deque[tuple[int, float]] = field(default_factory=deque)
    """The last offset of each batch in progress, and its first timestamp in milliseconds."""
    waiting_since: float | None = None

    @property
    def records(self) -> int:
        return max(0, self.end - self.next_offset) if self.next_offset is not None else 0

    @property
    def readable(self) -> int:
        return max(0, min(self.end, self.stable) - self.next_offset) if self.next_offset is not None else 0

    def seconds(self, clock: float, now: float) -> float:
        """How long the oldest record has been waiting."""
        if self.in_progress:
            return max(0.0, now - self.in_progress[0][1] / 1000)
        if not self.records:
            self.waiting_since = None
            return 0.0
        # It is not fetched yet, so its timestamp is unknown: its age is taken from when it was first noticed here.
        self.waiting_since = clock if self.waiting_since is None else self.waiting_since
        return clock - self.waiting_since


class PartitionLags:
    """The lag of each owned partition; calls about other partitions are ignored. Not thread-safe."""

    def __init__(self) -> None:
        self._partitions: dict[int, _Partition] = {}

    def __len__(self) -> int:
        return len(self._partitions)

    def assign(self, partitions: Collection[int]) -> None:
        """Own exactly these partitions; whatever was in progress in others is forgotten."""
        self._partitions = {number: _Partition() for number in partitions}

    def ends_read(self, ends: Mapping[int, int], stable: Mapping[int, int]) -> None:
        """Note the end offsets and the last stable offsets that the broker returned."""
        for number, end in ends.items():
            if partition := self._partitions.get(number):
                partition.end = max(end, partition.end)
                partition.stable = stable[number]

    def committed_read(self, offsets: Mapping[int, int]) -> None:
        """Note the group's committed offsets; a position that is known already is kept."""
        for number, offset in offsets.items():
            partition = self._partitions.get(number)
            if partition is not None and partition.next_offset is None:
                partition.next_offset = offset

    def without_position(self) -> list[int]:
        """The owned partitions whose next offset is not known yet."""
        return [number for number, partition in self._partitions.items() if partition.next_offset is None]

    def started(self, records: Sequence[Record], now: float) -> None:
        """Note that these records are being counted."""
        for partition, run in self._runs(records):
            if partition.next_offset is None or run[0].offset < partition.next_offset:
                partition.next_offset = run[0].offset
            partition.end = max(partition.end, run[-1].offset + 1)
            published = next((record.published for record in run if not record.is_gap), now * 1000)
            partition.in_progress.append((run[-1].offset, published))

    def confirmed(self, records: Sequence[Record]) -> None:
        """Note that these records are counted and stored."""
        for partition, run in self._runs(records):
            last = run[-1].offset
            partition.next_offset = max(last + 1, partition.next_offset or 0)
            partition.waiting_since = None
            while partition.in_progress and partition.in_progress[0][0] <= last:
                partition.in_progress.popleft()

    @property
    def records(self) -> int:
        """The records that are not counted yet."""
        return sum(partition.records for partition in self._partitions.values())

    @property
    def readable(self) -> int:
        """Those of them that no open transaction holds up."""
        return sum(partition.readable for partition in self._partitions.values())

    @property
    def is_counting(self) -> bool:
        """Whether a batch is in progress."""
        return any(partition.in_progress for partition in self._partitions.values())

    def by_partition(self, clock: float, now: float) -> dict[int, tuple[int, float]]:
        """Of each partition: how many records wait, and for how many seconds the oldest has."""
        return {
            number: (partition.records, partition.seconds(clock, now)) for number, partition in self._partitions.items()
        }

    def next_offsets(self) -> dict[int, int | None]:
        """The next offset to count of each partition; None while it is unknown."""
        return {number: partition.next_offset for number, partition in self._partitions.items()}

    def _runs(self, records: Sequence[Record]) -> Iterator[tuple[_Partition, list[Record]]]:
        runs: dict[int, list[Record]] = {}
        for record in records:
            runs.setdefault(record.partition, []).append(record)
        for number, run in runs.items():
            if partition := self._partitions.get(number):
                yield partition, run
