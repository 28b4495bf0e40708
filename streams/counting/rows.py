"""Rows of the tables, each value in the unit of its column and in the order of the declared columns."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import orjson
from msgspec.structs import astuple

from schemas.dead_letter import DeadLetter
from schemas.deployment_profile import Profile
from schemas.events import PAYLOAD_FIELDS, Event, TermSet
from schemas.instant import to_micros
from streams.counting.contributions import Window, on_time
from streams.counting.dead_letter_limit import EMPTY_WINDOW, LimitWindow
from streams.counting.facts import Facts
from streams.counting.ledger import NO_RECORDS, Ledger
from streams.counting.log_position import pack
from streams.counting.record import Record
from streams.counting.registers import Register, Value
from streams.counting.store_interface import LastRecord, Row, Stored

_TIMED = {"term_set", "extended", "amended"}
"""Kinds whose payload has an instant."""

_ENDED = Facts.__struct_fields__.index("outcome_at") + 1
_PAYMENTS = Facts.__struct_fields__.index("payments")
_NO_PAYMENTS: tuple[list[object], ...] = ([], [], [], [])
_NO_REFUNDS: tuple[list[object], ...] = ([], [])


def payload_of(event: Event, register: Register) -> bytes:
    """The fields of the event's kind as canonical JSON: one content always gives the same bytes."""
    kind = register[3]
    if kind not in _TIMED:
        return _payload(kind, register[5])
    if isinstance(event, TermSet):
        return b'{"term":' + orjson.dumps(event.term.astimezone(UTC), option=orjson.OPT_UTC_Z) + b"}"
    fields: dict[str, object] = {}
    for field in PAYLOAD_FIELDS[kind]:
        value = getattr(event, field)
        if value is not None:
            fields[field] = value.astimezone(UTC) if isinstance(value, datetime) else value
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z)


@lru_cache(8192)
def _payload(kind: str, payload: tuple[Value, ...]) -> bytes:
    fields = zip(PAYLOAD_FIELDS[kind], payload, strict=True)
    return orjson.dumps({field: value for field, value in fields if value is not None})


def event_columns(
    record: Record, lines: Sequence[int], events: Sequence[Event], registers: Sequence[Register], epoch: int
) -> list[Sequence[object]]:
    """Columns of `events` for the events in these lines of the record, with their registers, counted in this epoch."""
    count = len(events)
    return [
        [event.dossier for event in events],
        [register[2] for register in registers],
        [register[3] for register in registers],
        [event.source for event in events],
        [register[4] for register in registers],
        [register[0] for register in registers],
        [register[1] for register in registers],
        list(map(payload_of, events, registers)),
        [record.published] * count,
        [record.partition] * count,
        [record.offset] * count,
        lines,
        [epoch] * count,
    ]


def facts_row(dossier: str, partition: int, stored: Stored, facts: Facts, profile: Profile) -> Row:
    """A row of `facts`, whose columns follow the fields of Facts."""
    values = astuple(facts)
    payments, refunds = values[_PAYMENTS : _PAYMENTS + 2]
    return (
        dossier,
        stored.pos,
        partition,
        stored.number,
        stored.registers,
        *values[:_ENDED],
        on_time(facts, profile),
        *values[_ENDED:_PAYMENTS],
        *(map(list, zip(*map(astuple, payments), strict=True)) if payments else _NO_PAYMENTS),
        *(map(list, zip(*map(astuple, refunds), strict=True)) if refunds else _NO_REFUNDS),
        *values[_PAYMENTS + 2 :],
    )


def window_row(window: Window, partition: int, pos: int, counts: Sequence[int]) -> Row:
    """A row of `windows`."""
    return (*window, partition, pos, *counts)


def progress_row(
    topic: str,
    epoch: int,
    end: Record,
    now: datetime,
    limit_window: LimitWindow = EMPTY_WINDOW,
    last_record: LastRecord | None = None,
    ledger: Ledger = NO_RECORDS,
) -> Row:
    """A row of `progress`, once `end` is counted to its last line.

    `limit_window` is the window of the dead-letter limit, `last_record` the last record where `end` is a gap behind it.
    """
    pos, written = pack(epoch, end.offset + 1, 0) - 1, to_micros(now) // 1000
    offset, published = (last_record.offset, last_record.published) if last_record else (end.offset, end.published)
    place = topic, end.partition, pos, end.offset, published, written
    return *place, limit_window.lines, limit_window.dead, offset, ledger.records, ledger.skipped, ledger.dossiers


def dead_row(letter: DeadLetter) -> Row:
    """A row of `dead_letters`."""
    return (
        letter.topic,
        letter.partition,
        letter.offset,
        letter.line,
        letter.reason,
        letter.field,
        letter.detail,
        letter.line_bytes,
        to_micros(letter.published_at) // 1000,
    )
