"""The lines of a record: its events column by column, and the lines that cannot be counted."""

from collections.abc import Sequence

from msgspec import Struct

from schemas.envelope import Rejection, decode
from schemas.event_columns import decode_columns
from streams.counting.record import Record
from streams.counting.registers import Register, register_of
from streams.counting.rejections import published_time, reject_misplaced


class RecordLines(Struct, frozen=True, gc=False):
    """Columns of a record's events, the lines they are in first, and the lines that are rejected."""

    record: Record
    lines: Sequence[int]
    dossiers: Sequence[str]
    sources: Sequence[str]
    registers: Sequence[Register]
    rejections: Sequence[Rejection] = ()


_SMALL = 12_000
"""Below so many bytes, some sixty events, decoding them singly costs less."""


def read_lines(record: Record, misplaced: set[str] | None = None) -> RecordLines:
    """The lines of a record, with the events of the misplaced dossiers rejected."""
    published_at = published_time(record)
    value = record.value or b""
    if len(value) >= _SMALL and not misplaced and (found := decode_columns(value, published_at)):
        registers = zip(
            *(found.recorded, found.seqs, found.ids, found.kinds, found.occurred, found.payloads), strict=True
        )
        return RecordLines(record, range(len(found.ids)), found.dossiers, found.sources, list(registers))
    decoded = decode(record.value, published_at)
    if misplaced:
        decoded = reject_misplaced(decoded, record, misplaced)
    events = [event for _, event in decoded.events]
    return RecordLines(
        record,
        [line for line, _ in decoded.events],
        [event.dossier for event in events],
        [event.source for event in events],
        list(map(register_of, events)),
        decoded.rejections,
    )
