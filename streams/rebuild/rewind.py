"""Setting the group's offsets: back to where the counts are, to the start, or past records that are gone."""

from collections.abc import Sequence
from datetime import UTC, datetime

from clickhouse_driver import Client
from msgspec import Struct

from schemas.tables import GAPS
from schemas.topics import EVENTS
from streams.broker import topics
from streams.broker.group import commit_offsets
from streams.counting.log_position import pack
from streams.counting.store_interface import NO_RECORD
from streams.storage.clickhouse_client import database
from streams.storage.deployment_plan import Plan
from streams.storage.offset_agreement import PartitionOffsets, disagreement


class Gap(Struct, frozen=True):
    """Offsets of a partition whose records were never counted and never will be."""

    partition: int
    from_offset: int
    to_offset: int


class Move(Struct, frozen=True):
    """A new committed offset of a partition; `was` is None where the group never committed."""

    partition: int
    was: int | None
    to: int


class Rewind(Struct, frozen=True):
    """What to do, in this order: gaps are recorded before anything is counted past them."""

    gaps: Sequence[Gap]
    moves: Sequence[Move]


def plan_rewind(offsets: Sequence[PartitionOffsets], *, to_start: bool, accept_gap: bool) -> Rewind:
    """Move back to where the counts end, or with `to_start` to the first record there is.

    Moving back is always safe: a replay changes nothing. Raises LostEvents for records that are gone, unless
    `accept_gap` gives them up, and Diverged where only a rebuild helps.
    """
    replaced = [at for at in offsets if at.is_replaced]
    lost = [at for at in offsets if at.is_lost]
    if (replaced or (lost and not accept_gap)) and (error := disagreement(offsets)):
        raise error
    gaps = [Gap(at.partition, at.next, at.first - 1) for at in lost]
    moves = [
        Move(at.partition, at.committed, target)
        for at in offsets
        for target in [_target(at, to_start=to_start)]
        if target is not None
    ]
    return Rewind(gaps, moves)


def apply_rewind(plan: Plan, epoch: int, rewind: Rewind, why: str) -> None:
    """Apply it; it may be repeated. Raises Unreachable, or NotExclusive where a worker is in the group."""
    with database(plan.clickhouse) as client:
        for gap in rewind.gaps:
            _record_gap(client, epoch, gap, why)
    if rewind.moves:
        with topics.admin(plan.kafka) as kafka:
            commit_offsets(kafka, {move.partition: move.to for move in rewind.moves})


def _target(at: PartitionOffsets, *, to_start: bool) -> int | None:
    if to_start:
        return None if at.committed == at.first else at.first
    if at.is_lost:
        return None if at.committed == at.first else at.first
    return at.next if at.is_ahead else None


def _record_gap(client: Client, epoch: int, gap: Gap, why: str) -> None:
    row = (EVENTS, gap.partition, epoch, gap.from_offset, gap.to_offset, why, datetime.now(UTC))
    client.execute(f"INSERT INTO gaps ({', '.join(GAPS.columns)}) VALUES", [row])
    values = {
        "topic": EVENTS,
        "partition": gap.partition,
        "pos": pack(epoch, gap.to_offset + 1, 0) - 1,
        "offset": gap.to_offset,
        "skipped": gap.to_offset + 1 - gap.from_offset,
    }
    where = "topic = %(topic)s AND partition = %(partition)s"
    if client.execute(f"SELECT 1 FROM progress FINAL WHERE {where}", values):  # noqa: S608  # our names
        client.execute(
            "INSERT INTO progress SELECT * REPLACE (toUInt64(%(pos)s) AS pos, toUInt64(%(offset)s) AS offset, "  # noqa: S608  # our names
            # A gap that was recorded before is not added twice.
            "progress.skipped + if(progress.offset < %(offset)s, %(skipped)s, 0) AS skipped) "
            f"FROM progress FINAL WHERE {where}",
            values,
        )
    else:
        now = datetime.now(UTC)
        client.execute(
            f"INSERT INTO progress ({', '.join(values)}, records, published_at, written_at, record_offset) VALUES",
            [(*values.values(), 0, now, now, NO_RECORD.offset)],
        )
