"""The rules for replaying dead letters: which can be published again, and what to do about each reason."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from schemas.envelope import FUTURE_TOLERANCE, Decoded, Rejection, decode, decode_event
from schemas.events import AnyEvent
from schemas.topics import EVENTS
from streams.dead_letters.table import StoredDeadLetter
from streams.errors import NotReplayable

MappedRule: TypeAlias = Callable[[bytes, datetime, datetime], Decoded]
"""Reads a foreign record that was published at the first time; no time in it may be after the second."""
ADVICE: dict[str, str] = {
    "empty": "A record without a value: somebody took the topic for a compacted one. Find its sender, and discard it.",
    "too_many_lines": "The producer fills its envelopes without a limit. Repair it; replay divides the lines again.",
    "too_large": "No event is that large: the producer sends something else. Repair it; replay a correction, or "
    "discard it.",
    "malformed": "The line is no JSON: cut short, or of another format. Replay a correction, or discard it.",
    "unknown_kind": "A kind of event this release does not know. Replay it after an upgrade, or discard it.",
    "invalid": "A field is missing or out of its limits. Repair the producer and replay a correction, or discard it.",
    "future": "A clock or time zone of the source is wrong. Replay it once that time has passed, or a correction.",
    "misplaced": "The producer does not use Kafka's own partitioner. Repair it; replay puts the event where it "
    "belongs.",
    "full": "One dossier gets a new number or transaction again and again: a source numbers something else. Repair it; "
    "replay a correction to a number that the dossier has, or discard it.",
    "unmapped": "The mapping does not fit what came. Correct it, and replay with --mapping; or replay a correction, or "
    "discard it. Only what the mapping reads is kept: the whole record is at its place in its topic.",
}
"""What to do about each reason."""


def events_in(
    dead_letter: StoredDeadLetter,
    content: bytes,
    now: datetime,
    *,
    corrected: bool = False,
    rule: MappedRule | None = None,
) -> list[AnyEvent]:
    """The events in the content of a dead letter that may be published at `now`; the content may be `corrected`.

    With a `rule`, the content is foreign and is read by it, as of the time at which it was published.

    Raises NotReplayable where any line would become a dead letter again. Times in the future must have passed, without
    the tolerance of counting: the broker's clock decides, and may be behind.
    """
    if dead_letter.reason == "empty":
        raise NotReplayable("a record without a value holds no line to replay: discard it")
    if dead_letter.place.topic != EVENTS and not content:
        raise NotReplayable("nothing of its record was kept: give it with --content")
    if dead_letter.erased and not content:
        raise NotReplayable("its content was erased: give it again with --content")
    if dead_letter.reason == "full" and not corrected:
        raise NotReplayable("its dossier is full for good, so it would come back: correct it, or discard it")
    if dead_letter.reason == "unmapped" and rule is None and not corrected:
        raise NotReplayable("it is not of our form: give the mapping of its topic with --mapping")
    if rule is not None:
        mapped = rule(content, dead_letter.published_at, now - FUTURE_TOLERANCE)
        if mapped.rejections or not mapped.events:
            raise NotReplayable(_refusal_of_mapped(mapped))
        return [event for _, event in mapped.events]
    lines = content.removesuffix(b"\n").split(b"\n")
    if len(lines) > 1 and dead_letter.reason != "too_many_lines":
        raise NotReplayable(f"the content has {len(lines)} lines, but an event is one line of JSON")
    events: list[AnyEvent] = []
    wrong: list[str] = []
    for number, line in enumerate(lines):
        decoded = decode(line, now - FUTURE_TOLERANCE)
        events += [event for _, event in decoded.events]
        where = f"line {number} of {len(lines)}: " if len(lines) > 1 else ""
        wrong += [where + _refusal(rejection) for rejection in decoded.rejections]
    if wrong:
        raise NotReplayable(wrong[0] + (f" (and {len(wrong) - 1} more of its lines)" if len(wrong) > 1 else ""))
    return events


def _refusal_of_mapped(mapped: Decoded) -> str:
    if not mapped.rejections:
        return "the mapping gives no event for it"
    return f"{mapped.rejections[0].reason}: {mapped.rejections[0].detail}"


def _refusal(rejection: Rejection) -> str:
    if rejection.reason != "future":
        return f"{rejection.reason}: {rejection.detail}"
    when: datetime = getattr(decode_event(rejection.content), rejection.field)
    return f"future: replay it after {when.isoformat()}, its {rejection.field}"
