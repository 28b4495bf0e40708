"""Reads foreign JSON from a record by a mapping: an object, an array of them, or the array within that `rows` names."""

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

import msgspec

from connectors.files.json_reader import row_of
from connectors.files.mapping import Mapping
from connectors.files.nested_columns import Paths, nfc_keys
from connectors.files.row import Origin, Row
from connectors.files.row_mapper import RowMapper
from connectors.inbox.redaction import Redaction
from schemas.envelope import MAX_EVENT_BYTES, MAX_LINES, Decoded, Rejection, RejectReason, encode_event
from schemas.events import AnyEvent
from schemas.instant import EARLIEST

_LONGEST = 300


class MappedRecords:
    """Reads records; total, whatever the bytes are. Any thread may call it.

    An event's number is that of its object in the record, and so is the line of a rejection. A rejected object keeps
    only what the mapping reads of it, and no reason has a value: the rest, and whatever is no JSON, may be about
    people. Where the mapping has no `recorded_at`, a record counts as of its own timestamp.
    """

    def __init__(self, mapping: Mapping) -> None:
        self._paths = Paths(mapping.columns)
        self._rows = tuple(mapping.rows.split(".")) if mapping.rows else ()
        self._mapper = RowMapper(mapping, EARLIEST, EARLIEST)
        self._redaction = Redaction(mapping)
        self._one_at_a_time = threading.Lock()

    def __call__(self, value: bytes | None, published_at: datetime, now: datetime | None = None) -> Decoded:
        """The events of a record, and its objects that do not fit; `now` is the limit of times, if another one."""
        if not value or not value.strip():
            return Decoded([], [Rejection(0, "empty", "", "the record has no value", b"")])
        try:
            objects = self._objects(nfc_keys(msgspec.json.decode(value)))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return _whole("malformed", f"is not JSON ({type(error).__name__})", value)
        except ValueError as error:
            return _whole("unmapped", str(error), value)
        if len(objects) > MAX_LINES:
            return _whole("too_many_lines", f"{len(objects)} objects, {MAX_LINES} are allowed", value)
        decoded = Decoded([], [])
        with self._one_at_a_time:
            self._mapper.at(now or published_at)
            for number, found in enumerate(objects):
                self._read(number, found, Origin("", published_at, 0), decoded)
        return decoded

    def _objects(self, found: Any) -> list[Any]:
        for step in self._rows:
            if not isinstance(found, dict) or step not in found:
                raise ValueError(f"there is nothing at rows = {'.'.join(self._rows)!r}")
            found = found[step]
        return found if isinstance(found, list) else [found]

    def _read(self, number: int, found: Any, origin: Origin, decoded: Decoded) -> None:
        if not isinstance(found, dict):
            decoded.rejections.append(Rejection(number, "unmapped", "", "is not a JSON object", b""))
            return
        row = row_of(self._paths, found, number, "")
        wrong: list[tuple[str, str]] = []
        if isinstance(row, Row):
            mapped = self._mapper.events_of(msgspec.structs.replace(row, origin=origin))
            wrong = [
                (each.column, f"{each.event}: {each.reason}" if each.event else each.reason) for each in mapped.rejects
            ]
            for _, event in mapped.events:
                if len(encode_event(event)) > MAX_EVENT_BYTES:
                    wrong.append(("", f"the event has more than {MAX_EVENT_BYTES} bytes"))
                else:
                    decoded.events.append((number, cast(AnyEvent, event)))
        else:
            wrong = [("", row.reason)]
        if wrong:
            content = msgspec.json.encode(self._redaction.of(found))
            decoded.rejections.append(Rejection(number, "unmapped", wrong[0][0], "; ".join(_told(wrong)), content))


def _told(wrong: list[tuple[str, str]]) -> Iterator[str]:
    for column, reason in wrong[:10]:
        text = f"{column} {reason}".strip()
        yield "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST])


def _whole(reason: RejectReason, why: str, value: bytes) -> Decoded:
    """A rejection of the whole record, of which nothing is kept."""
    detail = f"{why}; its {len(value)} bytes are not kept, as they may be about people: read them at its place"
    return Decoded([], [Rejection(0, reason, "", detail, b"")])
