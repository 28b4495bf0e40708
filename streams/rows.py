"""Rows of the tables, each value in the unit of its column and in the order of the declared columns."""

from datetime import UTC, datetime

import orjson

from schemas.dead import DeadLetter
from schemas.events import PAYLOAD_FIELDS, Event
from schemas.instant import to_micros
from schemas.profile import Profile
from streams.counters import Window, on_time
from streams.facts import Facts
from streams.flood import NOTHING, Seen
from streams.position import pack
from streams.record import Record
from streams.store import Row, Stored


def payload_of(event: Event) -> bytes:
    """The fields of the event's kind as canonical JSON: one content always gives the same bytes."""
    fields: dict[str, object] = {}
    for field in PAYLOAD_FIELDS[str(event.__struct_config__.tag)]:
        value = getattr(event, field)
        if value is not None:
            fields[field] = value.astimezone(UTC) if isinstance(value, datetime) else value
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z)


def event_row(event: Event, record: Record, line: int) -> Row:
    """A row of `events`, for the event in this line of the record."""
    return (
        event.dossier,
        event.id,
        str(event.__struct_config__.tag),
        event.source,
        to_micros(event.occurred_at),
        to_micros(event.recorded_at or event.occurred_at),
        event.seq,
        payload_of(event),
        record.published,
        record.partition,
        record.offset,
        line,
    )


def facts_row(dossier: str, partition: int, stored: Stored, facts: Facts, profile: Profile) -> Row:
    """A row of `facts`."""
    return (
        dossier,
        stored.pos,
        partition,
        stored.registers,
        facts.case_kind,
        facts.voided,
        facts.agency,
        facts.receiver,
        facts.channel,
        facts.procedure,
        facts.fee_bearing,
        facts.received_at,
        facts.term_original,
        facts.term,
        facts.extended_at,
        facts.apologies,
        facts.step,
        facts.unit,
        facts.step_at,
        facts.supplement_requested_at,
        facts.suspension,
        facts.suspended_at,
        facts.outcome,
        facts.outcome_at,
        on_time(facts, profile),
        facts.electronic_result,
        facts.returned_at,
        [payment.at for payment in facts.payments],
        [payment.amount for payment in facts.payments],
        [payment.online for payment in facts.payments],
        [payment.refunded for payment in facts.payments],
        [refund.at for refund in facts.refunds],
        [refund.amount for refund in facts.refunds],
        facts.digitised_at,
        facts.components,
        facts.components_digitised,
        facts.components_reused,
        facts.rated_at,
        facts.satisfied,
        facts.score,
    )


def window_row(window: Window, partition: int, pos: int, counts: list[int]) -> Row:
    """A row of `windows`."""
    return (*window, partition, pos, *counts)


def progress_row(topic: str, epoch: int, last: Record, now: datetime, seen: Seen = NOTHING) -> Row:
    """A row of `progress`, once this record is counted to its last line; `seen` is of the flood rule's window."""
    pos = pack(epoch, last.offset + 1, 0) - 1
    return topic, last.partition, pos, last.offset, last.published, to_micros(now) // 1000, seen.lines, seen.dead


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
