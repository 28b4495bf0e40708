"""How what a peer counted is read when it has stopped."""

from collections import Counter
from typing import NamedTuple

import msgspec

from bench import topics
from bench.dataset import Cell
from bench.peers.peer_task import COUNTS, Task
from schemas.connection import KafkaConnection


class _Row(msgspec.Struct, frozen=True):
    agency: str
    window: int
    kind: str
    events: int


class Counted(NamedTuple):
    """What a system counted, and when it wrote the last of it, in seconds since 1970; 0 where nothing says that."""

    cells: Counter[Cell]
    written: float = 0.0


def from_file(_: KafkaConnection, task: Task) -> Counted:
    """The counts that the system wrote into its folder."""
    rows = msgspec.json.decode((task.folder / COUNTS).read_bytes(), type=list[tuple[str, int, str, int]])
    return Counted(Counter({(agency, window, kind): events for agency, window, kind, events in rows}))


def from_output(kafka: KafkaConnection, task: Task) -> Counted:
    """The counts on the output topic: of each cell the last one."""
    decode = msgspec.json.Decoder(_Row).decode
    records = topics.read(kafka, task.output)
    rows = (decode(record.value) for record in records)
    cells = Counter({(row.agency, row.window, row.kind): row.events for row in rows})
    return Counted(cells, max((record.at for record in records), default=0.0))


def from_changelog(kafka: KafkaConnection, task: Task) -> Counted:
    """The counts in the changelog of Faust's table: keys are ["agency|kind", [begin, end]]."""
    last: Counter[Cell] = Counter()
    for record in topics.read(kafka, f"{task.name}-counts-changelog"):
        cell, (begin, _) = msgspec.json.decode(record.key or b"", type=tuple[str, tuple[float, float]])
        agency, kind = cell.split("|")
        last[agency, int(begin), kind] = msgspec.json.decode(record.value, type=int)
    return Counted(last)
