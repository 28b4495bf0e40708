"""Histories told in words, as in terms.csv: `supplement requested 2026-03-03 10:00; resolved 2026-03-05 16:00`."""

import csv
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from schemas import events as kinds
from schemas.events import Event
from schemas.instant import to_micros
from schemas.working_time.built_in import built_in_calendar
from schemas.working_time.duration import Duration, Unit
from streams.counting.case_history import history_of
from streams.counting.registers import merged
from streams.on_time.history import History
from streams.on_time.promise import Promise

with Path(__file__).with_name("terms.csv").open(encoding="utf-8", newline="") as _lines:
    CASES = list(csv.DictReader(_lines))
LONG_AFTER = "2030-01-01 00:00"
"""When a case is judged that names no other instant."""

VIETNAM = timezone(timedelta(hours=7))
_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d"
_EVENT = re.compile(
    rf"(?:(?P<number>second|third) )?(?P<what>[a-z ]+?)(?: again)? (?:for )?(?P<at>{_TIME})"
    rf"(?: to (?P<term>{_TIME}) (?P<apology>with|without) apology)?"
)
_NUMBERS = {None: 1, "second": 2, "third": 3}
_KINDS: dict[str, type[Event]] = {
    "supplement requested": kinds.SupplementRequested,
    "supplement handed in": kinds.SupplementAnswered,
    "obligation set": kinds.ObligationSet,
    "obligation met": kinds.ObligationMet,
    "posting begun": kinds.Paused,
    "posting ended": kinds.Resumed,
    "paused": kinds.Paused,
    "resumed": kinds.Resumed,
    "resolved": kinds.Resolved,
    "returned": kinds.Returned,
    "withdrawn": kinds.Withdrawn,
    "refused": kinds.Refused,
    "stopped": kinds.Stopped,
    "reopened": kinds.Reopened,
}


def at(local: str) -> datetime:
    """An instant by its time in Việt Nam."""
    return datetime.fromisoformat(local).replace(tzinfo=VIETNAM)


def micros(local: str) -> int:
    """The same in microseconds; `24:00` is the last one of its day."""
    day, time = local.split()
    if time == "24:00":
        return to_micros(at(day) + timedelta(days=1)) - 1
    return to_micros(at(local))


def told(received: str, procedure: str, events: str) -> History:
    """The history of a dossier, by way of its events and registers."""
    promise = promise_in(procedure)
    history = history_of(merged(events_in(received, events)), built_in_calendar(), lambda *_: promise)
    assert history is not None
    return history


def events_in(received: str, events: str) -> list[Event]:
    """The events of a dossier that was received at a local time."""
    first = kinds.Received(id="0", dossier="D", source="told", occurred_at=at(received), agency="H26")
    texts = filter(None, events.split("; "))
    return [first, *(_event(text, str(place), received) for place, text in enumerate(texts, 1))]


def promise_in(procedure: str) -> Promise | None:
    """What a procedure promises: `3 working days`, or `1 working day, same day`; nothing where it is empty."""
    duration, _, same_day = procedure.partition(", ")
    return Promise(_duration(duration), bool(same_day)) if procedure else None


def _event(text: str, event_id: str, received: str) -> Event:
    found = _EVENT.fullmatch(text)
    assert found, text
    what, when = found["what"], at(found["at"])
    base: dict[str, Any] = {"id": event_id, "dossier": "D", "source": "told"}
    if what == "appointed":
        return kinds.TermSet(**base, occurred_at=at(received), term=when)
    number = _NUMBERS[found["number"]]
    if what == "extended":
        apology = found["apology"] == "with"
        return kinds.Extended(**base, occurred_at=when, term=at(found["term"]), number=number, apology=apology)
    if "number" in _KINDS[what].__struct_fields__:
        base["number"] = number
    if what == "posting begun":
        base["reason"] = "land posting"
    return _KINDS[what](**base, occurred_at=when)


def _duration(text: str) -> Duration:
    amount, _, unit = text.partition(" ")
    return Duration(int(amount), msgspec.convert(f"{unit.removesuffix('s')}s", Unit))
