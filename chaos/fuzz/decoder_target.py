"""Fuzzing of what reads Kafka: envelopes, whole batches of records, dead letters; and rows of files beside them.

Whatever comes in, each line becomes an event that everything after it can take, or a dead letter with its bytes.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import get_args

from msgspec import MsgspecError, Struct

from chaos.fuzz.byte_mutation import mutated
from chaos.fuzz.column_ranges import misfits
from chaos.fuzz.counted_batches import counted_wrong, hostile_log
from chaos.fuzz.event_lines import hostile_envelope
from chaos.fuzz.file_rows import hostile_mapping, hostile_row, mapping_wrong, row_wrong
from chaos.fuzz.findings import Finding, Fuzzed, Progress, chance_of, described
from schemas.dead_letter import DeadLetter, dead_letter, decode_dead, encode_dead
from schemas.deployment_profile import Profile
from schemas.envelope import MAX_LINES, Decoded, Rejection, RejectReason, decode, decode_event, encode_event
from schemas.event_columns import decode_columns
from schemas.events import AnyEvent, Event
from schemas.instant import EARLIEST, LATEST, to_micros
from schemas.nfc import nfc
from schemas.partition import partition_of
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, WINDOWS
from streams.counting.contributions import contributions
from streams.counting.facts import facts_of
from streams.counting.record import Record
from streams.counting.registers import fold, pack, register_of, unpack
from streams.counting.rows import dead_row, event_columns, facts_row, window_row
from streams.counting.store_interface import Stored

TARGET = "decoder"
_EVERY = 500
_DETAIL_LIMIT = 600
_TIMESTAMPS = (-(2**63), -1, 0, to_micros(EARLIEST) // 1000, 1_780_000_000_000, to_micros(LATEST) // 1000, 2**63 - 1)
_PROFILES = (Profile(), Profile(terms="date"))
_LINE_FEED = b"\n"


class Input(Struct, frozen=True):
    """One malformed input: what it is, its bytes for a report, and the check that tells everything wrong with it."""

    kind: str
    content: bytes
    wrong: Callable[[Counter[str]], Iterator[str]]


def fuzz_decoder(seed: int, inputs: int, on_progress: Progress | None = None, first: int = 0) -> Fuzzed:
    """Try so many inputs, from number `first` on; findings do not stop it."""
    fuzzed = Fuzzed()
    for number in range(first, first + inputs):
        made = input_of(seed, number)
        fuzzed.outcomes[made.kind] += 1
        fuzzed.findings += [
            Finding(TARGET, seed, number, f"{made.kind}: {problem}", made.content)
            for problem in _problems(made, fuzzed.outcomes)
        ]
        fuzzed.inputs += 1
        if on_progress and (fuzzed.inputs % _EVERY == 0 or fuzzed.inputs == inputs):
            on_progress(fuzzed.inputs)
    return fuzzed


def input_of(seed: int, number: int) -> Input:
    """The input of this seed and number."""
    chance = chance_of(seed, number)
    match chance.randrange(20):
        case 0 | 1:
            log = hostile_log(chance)
            content = b"\n\n".join(record.value or b"" for batch in log for record in batch)
            return Input("batches", content, lambda outcomes: counted_wrong(log, outcomes))
        case 2:
            letter = hostile_letter(chance)
            return Input("dead letter", letter, lambda outcomes: letter_wrong(letter, outcomes))
        case 3:
            row = hostile_row(chance)
            return Input("row", repr(row.cells).encode(errors="replace"), lambda outcomes: row_wrong(row, outcomes))
        case 4 if chance.random() < 0.3:
            text = hostile_mapping(chance)
            return Input("mapping", text, lambda outcomes: mapping_wrong(text, outcomes))
        case _:
            value, timestamp = hostile_envelope(chance), chance.choice(_TIMESTAMPS)
            record = Record(chance.randrange(3), chance.randrange(2**40), timestamp, value)
            return Input("envelope", value or b"", lambda outcomes: envelope_wrong(record, outcomes))


def _problems(made: Input, outcomes: Counter[str]) -> list[str]:
    try:
        return list(made.wrong(outcomes))
    except Exception as error:
        return [described(error)]


def envelope_wrong(record: Record, outcomes: Counter[str]) -> Iterator[str]:
    """What is wrong with how this record's value is read, and with everything done with its events."""
    value = record.value or b""
    published_at = datetime.fromtimestamp(record.published / 1000, UTC)
    decoded = decode(record.value, published_at)
    lines = value.removesuffix(_LINE_FEED).split(_LINE_FEED)
    if not value or len(lines) > MAX_LINES:
        lines = [value]
    indexes = [index for index, _ in decoded.events] + [rejection.line for rejection in decoded.rejections]
    if sorted(indexes) != list(range(len(lines))):
        yield f"of {len(lines)} lines these are accounted for: {sorted(indexes)[:50]}"
        return
    yield from _columns_wrong(value, published_at, decoded, outcomes)
    for rejection in decoded.rejections:
        outcomes[rejection.reason] += 1
        yield from _rejection_wrong(rejection, lines[rejection.line], record, published_at)
    for index, event in decoded.events:
        outcomes["event"] += 1
        yield from _event_wrong(event, lines[index], record, index)


def _columns_wrong(value: bytes, published_at: datetime, decoded: Decoded, outcomes: Counter[str]) -> Iterator[str]:
    """Events that are read column by column must be those that are read singly, and no line may be faulty."""
    found = decode_columns(value, published_at) if value else None
    if found is None:
        return
    outcomes["columns"] += 1
    events = [event for _, event in decoded.events]
    rows = zip(found.recorded, found.seqs, found.ids, found.kinds, found.occurred, found.payloads, strict=True)
    if decoded.rejections or list(rows) != list(map(register_of, events)):
        yield "its columns hold other registers than its events"
    if found.dossiers != [event.dossier for event in events] or found.sources != [event.source for event in events]:
        yield "its columns hold other dossiers or sources than its events"


def _rejection_wrong(rejection: Rejection, line: bytes, record: Record, published_at: datetime) -> Iterator[str]:
    at = f"line {rejection.line}"
    if rejection.content != line:
        yield f"{at} is rejected with other bytes than its own"
    if rejection.reason not in get_args(RejectReason):
        yield f"{at} is rejected for the unknown reason {rejection.reason!r}"
    if len(rejection.detail) > _DETAIL_LIMIT or not rejection.detail.isprintable():
        yield f"{at} is rejected with a detail that is too long or not printable: {rejection.detail[:900]!r}"
    letter = dead_letter("dossier-events", record.partition, record.offset, published_at, rejection)
    if decode_dead(encode_dead(letter)) != letter or letter.line_bytes != line:
        yield f"{at} does not come back from its dead letter"
    row = dead_row(letter)
    yield from misfits(DEAD_LETTERS, row)
    if row[-1] != record.published:
        yield f"{at} was published at {record.published}, its dead letter says {row[-1]}"


def _event_wrong(event: AnyEvent, line: bytes, record: Record, index: int) -> Iterator[str]:
    columns = event_columns(record, [index], [event.dossier], [event.source], [register_of(event)], 1)
    yield from misfits(EVENTS, tuple(column[0] for column in columns))
    if decode_event(encode_event(event)) != event:
        yield f"line {index} is another event once it is encoded and read again"
    yield from _second_opinion(event, line, index)
    registers = fold({}, event)
    if fold(registers, event) is not registers:
        yield f"line {index} changes the registers again"
    packed = pack(registers)
    if unpack(packed) != registers:
        yield f"the registers of line {index} are others once they are packed"
    facts = facts_of(registers)
    for profile in _PROFILES:
        yield from misfits(FACTS, facts_row(event.dossier, record.partition, Stored(1, packed), facts, profile))
        for window, counts in contributions(facts, profile).items():
            yield from misfits(WINDOWS, window_row(window, record.partition, 1, _all_counters(counts)))
    partition_of(event.dossier, 8)


def _all_counters(counts: dict[str, int]) -> list[int]:
    return [counts.get(name, 0) for name in WINDOWS.columns if name not in ("agency", "window", "partition", "pos")]


def _second_opinion(event: Event, line: bytes, index: int) -> Iterator[str]:
    """Another JSON reader must find the same texts, in NFC, and numbers in the line."""
    fields = {
        name: nfc(value) if isinstance(value, str) else value
        for name, value in json.loads(line, parse_int=_whole).items()
    }
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if (
            isinstance(value, str | int)
            and name in fields
            and (fields[name], type(fields[name])) != (value, type(value))
        ):
            yield f"line {index}: {name} is read as {value!r}, another reader finds {fields[name]!r}"


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) < 1000 else digits  # longer ones Python refuses to read


def hostile_letter(chance: Random) -> bytes:
    """A dead letter as it should not be."""
    content = hostile_envelope(chance) or b""
    rejection = Rejection(0, "malformed", "", "text", content[:5000])
    letter = encode_dead(dead_letter("dossier-events", 0, 1, datetime(2026, 3, 1, tzinfo=UTC), rejection))
    return chance.choice((content, letter, mutated(chance, letter, [content[:100], letter])))


def letter_wrong(letter: bytes, outcomes: Counter[str]) -> Iterator[str]:
    """It is read, or refused by the one error that is announced; what is read comes back."""
    try:
        read: DeadLetter = decode_dead(letter)
    except MsgspecError:
        outcomes["letter refused"] += 1
        return
    outcomes["letter read"] += 1
    if decode_dead(encode_dead(read)) != read:
        yield "it is another letter once it is encoded and read again"
