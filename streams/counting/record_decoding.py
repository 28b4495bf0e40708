"""Records become events with their positions; what cannot be counted is dead-lettered, up to a limit."""

from collections.abc import Sequence

from schemas.envelope import Rejection, decode
from streams.counting.batch import Batch
from streams.counting.dead_letter_limit import DeadLetterLimit, observe
from streams.counting.identity import Identity
from streams.counting.log_position import pack
from streams.counting.partition_run import DecodedRecord, PartitionRun
from streams.counting.partition_state import PartitionState
from streams.counting.record import Record
from streams.counting.registers import register_of
from streams.counting.rejections import dead_letters, limit_exceeded, published_time, reject_misplaced
from streams.counting.rows import event_columns
from streams.errors import TooManyDeadLetters


def decode_records(
    records: list[Record], state: PartitionState, identity: Identity, limit: DeadLetterLimit, batch: Batch
) -> PartitionRun:
    """The events of these records of a partition, which follow its state; other lines become dead letters of the batch.

    Raises TooManyDeadLetters where these exceed the limit.
    """
    run = PartitionRun(records, state, pack(identity.epoch, records[0].first, 0))
    holding = [record for record in records if not record.is_gap]
    decoded = [decode(record.value, published_time(record)) for record in holding]
    named = {event.dossier for each in decoded for _, event in each.events}
    misplaced = state.misplaced(named, identity.partitions)
    for record, each in zip(holding, decoded, strict=True):
        line_count = len(each.events) + len(each.rejections)
        if misplaced:
            each = reject_misplaced(each, record, misplaced)
        if each.events:
            offset = pack(identity.epoch, record.offset, 0)
            lines, events = zip(*each.events, strict=True)
            registers = list(map(register_of, events))
            columns = event_columns(record, lines, events, registers, identity.epoch)
            run.decoded.append(DecodedRecord(record, len(run.events), lines, columns))
            for line, event, register in zip(lines, events, registers, strict=True):
                run.events.append((offset + line, event.dossier, register))
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
