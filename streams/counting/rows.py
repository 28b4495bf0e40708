"""Rows of the tables, each value in the unit of its column and in the order of the declared columns."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import astuple

from schemas.dead_letter import DeadLetter
from schemas.deployment_profile import Profile
from schemas.events import INSTANT_FIELDS, PAYLOAD_FIELDS, Payload
from schemas.instant import from_micros, to_micros
from streams.counting.contributions import Window, is_on_time
from streams.counting.dead_letter_limit import EMPTY_WINDOW, LimitWindow
from streams.counting.facts import Facts
from streams.counting.ledger import NO_RECORDS, Ledger
from streams.counting.log_position import pack
from streams.counting.packed_counters import Packed, columns_of
from streams.counting.record import Record
from streams.counting.registers import Register
from streams.counting.store_interface import LastRecord, Row, Stored

_ENDED = Facts.__struct_fields__.index("outcome_at") + 1
_TERM = Facts.__struct_fields__.index("term")
_PAYMENTS = Facts.__struct_fields__.index("payments")
_NO_PAYMENTS: tuple[list[object], ...] = ([], [], [], [])
_NO_REFUNDS: tuple[list[object], ...] = ([], [])


def payload_json(kind: str, payload: Payload) -> bytes:
    """The payload as canonical JSON: one content always gives the same bytes."""
    if kind in INSTANT_FIELDS:
        place = PAYLOAD_FIELDS[kind].index(INSTANT_FIELDS[kind])
        if (micros := payload[place]) is not None:
            instant = from_micros(micros)  # type: ignore[arg-type]  # a number
            return _JSON.encode(_FIELDS[kind](*payload[:place], instant, *payload[place + 1 :]))
    return _JSON.encode(_FIELDS[kind](*payload))


_JSON = msgspec.json.Encoder()
_FIELDS = {
    kind: msgspec.defstruct(kind, [(field, object, None) for field in fields], omit_defaults=True, gc=False)
    for kind, fields in PAYLOAD_FIELDS.items()
}


def event_columns(
    record: Record,
    lines: Sequence[int],
    dossiers: Sequence[str],
    sources: Sequence[str],
    registers: Sequence[Register],
    epoch: int,
) -> list[Sequence[object]]:
    """Columns of `events` for the events in these lines of the record, counted in this epoch."""
    count = len(lines)
    recorded, seqs, ids, kinds, occurred, payloads = zip(*registers, strict=True)
    return [
        dossiers,
        ids,
        kinds,
        sources,
        occurred,
        recorded,
        seqs,
        list(map(payload_json, kinds, payloads)),
        [record.published] * count,
        [record.partition] * count,
        [record.offset] * count,
        lines,
        [epoch] * count,
    ]


def facts_row(dossier: str, partition: int, stored: Stored, facts: Facts, profile: Profile) -> Row:
    """A row of `facts`, whose columns follow the fields of Facts."""
    return case_row(dossier, partition, stored, astuple(facts), profile)


def case_row(dossier: str, partition: int, stored: Stored, values: tuple[Any, ...], profile: Profile) -> Row:
    """The same of the values of Facts, in the order of their fields."""
    payments, refunds = values[_PAYMENTS : _PAYMENTS + 2]
    return (
        dossier,
        stored.pos,
        partition,
        stored.number,
        stored.registers,
        *values[:_ENDED],
        is_on_time(values[_ENDED - 1], values[_TERM], profile),
        *values[_ENDED:_PAYMENTS],
        *(map(list, zip(*map(astuple, payments), strict=True)) if payments else _NO_PAYMENTS),
        *(map(list, zip(*map(astuple, refunds), strict=True)) if refunds else _NO_REFUNDS),
        *values[_PAYMENTS + 2 :],
    )


def window_row(window: Window, partition: int, pos: int, counts: Sequence[int]) -> Row:
    """A row of `windows`."""
    return (*window, partition, pos, *counts)


def window_columns(partition: int, rows: Sequence[tuple[str, int, int, Packed]]) -> list[Iterable[object]]:
    """Columns of `windows` for rows of the partition, at least one: agency, start, position and counters of each."""
    agencies, starts, positions, counts = zip(*rows, strict=True)
    return [agencies, starts, [partition] * len(rows), positions, *columns_of(counts)]


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
