"""Records become events with their positions; what cannot be counted is dead-lettered, up to a limit."""

from collections.abc import Sequence

from schemas.envelope import Rejection
from streams.counting.batch import Batch
from streams.counting.dead_letter_limit import DeadLetterLimit, observe
from streams.counting.identity import Identity
from streams.counting.log_position import pack
from streams.counting.partition_run import DecodedRecord, PartitionRun
from streams.counting.partition_state import PartitionState
from streams.counting.record import Record
from streams.counting.record_lines import read_lines
from streams.counting.rejections import dead_letters, limit_exceeded
from streams.counting.rows import event_columns
from streams.errors import TooManyDeadLetters


def decode_records(
    records: list[Record], state: PartitionState, identity: Identity, limit: DeadLetterLimit, batch: Batch
) -> PartitionRun:
    """The events of these records of a partition, which follow its state; other lines become dead letters of the batch.

    Raises TooManyDeadLetters where these exceed the limit.
    """
    run = PartitionRun(records, state, pack(identity.epoch, records[0].first, 0))
    read = [read_lines(record) for record in records if not record.is_gap]
    named: set[str] = set().union(*[each.dossiers for each in read])
    misplaced = state.misplaced(named, identity.partitions)
    for each in read:
        record, line_count = each.record, len(each.lines) + len(each.rejections)
        if misplaced and not misplaced.isdisjoint(each.dossiers):
            each = read_lines(record, misplaced)
        if each.lines:
            columns = event_columns(record, each.lines, each.dossiers, each.sources, each.registers, identity.epoch)
            run.decoded.append(DecodedRecord(record, len(run.events), each.lines, columns))
            offset = pack(identity.epoch, record.offset, 0)
            run.events.extend(zip([offset + line for line in each.lines], each.dossiers, each.registers, strict=True))
        batch.dead.extend(dead_letters(identity.topic, record, each.rejections))
        _observe(record, state, line_count, each.rejections, identity, limit, batch)
    _observe_end(records[-1].offset + 1, state)
    return run


def _observe(
    record: Record,
    state: PartitionState,
    line_count: int,
    rejections: Sequence[Rejection],
    identity: Identity,
    limit: DeadLetterLimit,
    batch: Batch,
) -> None:
    """Count the record in the ledger and for the dead-letter limit, unless it comes again."""
    if record.offset < state.next_unobserved:
        return
    dead = sorted(rejection.line for rejection in rejections)
    state.limit_window, exceeded = observe(state.limit_window, line_count, dead, limit)
    state.ledger = state.ledger.with_record(record.offset - state.next_unobserved)
    state.next_unobserved = record.offset + 1
    if exceeded:
        raise TooManyDeadLetters(
            limit_exceeded(identity.topic, record.partition, state.limit_window, limit, batch.dead)
        )


def _observe_end(end: int, state: PartitionState) -> None:
    """Count the gap that the records end in; those between records are counted with the next record."""
    if end > state.next_unobserved:
        state.ledger = state.ledger.with_gap(end - state.next_unobserved)
        state.next_unobserved = end
