"""Lines that decode and still cannot be counted, and the dead letters that rejected lines become."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from schemas.dead_letter import DeadLetter, dead_letter
from schemas.envelope import Decoded, Rejection
from streams.counting.dead_letter_limit import DeadLetterLimit, LimitWindow
from streams.counting.record import Record
from streams.counting.registers import Register, numbered_key


def dead_letters(topic: str, record: Record, rejections: Iterable[Rejection]) -> list[DeadLetter]:
    """The dead letters of a record for its rejected lines."""
    published_at = published_time(record)
    return [dead_letter(topic, record.partition, record.offset, published_at, rejection) for rejection in rejections]


def published_time(record: Record) -> datetime:
    """The record's own timestamp."""
    return datetime.fromtimestamp(record.published / 1000, UTC)


def reject_misplaced(decoded: Decoded, record: Record, misplaced: set[str]) -> Decoded:
    """The same with the events of these dossiers, which belong to other partitions, rejected."""
    lines = (record.value or b"").split(b"\n")
    rejections = list(decoded.rejections)
    for line, event in decoded.events:
        if event.dossier in misplaced:
            detail = f"dossier = {event.dossier!r} belongs to another partition than {record.partition}"
            rejections.append(Rejection(line, "misplaced", "dossier", detail, lines[line]))
    return Decoded([(line, event) for line, event in decoded.events if event.dossier not in misplaced], rejections)


def reject_full(line: int, register: Register, content: bytes, most: int) -> Rejection:
    """The rejection of an event that would give its dossier more than `most` numbered registers."""
    field = "transaction" if register[3] in ("paid", "refunded") else "number"
    detail = (
        f"the dossier has {most} payments, refunds, extensions and the like already, as many as are counted of one: "
        f"{numbered_key(register)!r:.200} would be one more"
    )
    return Rejection(line, "full", field, detail, content)


def limit_exceeded(
    topic: str, partition: int, window: LimitWindow, limit: DeadLetterLimit, letters: Sequence[DeadLetter]
) -> str:
    """The message for a partition that has more dead letters than the limit allows; `letters` has some of them."""
    ours = [letter for letter in letters if letter.partition == partition]
    reasons = Counter(letter.reason for letter in ours).most_common(3)
    return (
        f"{topic} partition {partition} has too many dead letters: {window.dead} of {window.lines} lines cannot be "
        f"counted, DOSSIER_DEAD_RATIO={limit.ratio:g} allows {limit.allowed} in DOSSIER_DEAD_LINES={limit.lines}. At "
        f"offsets {ours[0].offset} to {ours[-1].offset}: "
        f"{', '.join(f'{count} {reason}' for reason, count in reasons)}. "
        "Nothing of these offsets was written to the dead letters or acknowledged. Correct the producer, or run a "
        "worker version that can read what it sends; then start again, with a higher DOSSIER_DEAD_RATIO if these "
        "lines are to become dead letters (`dossier dead-letters` lists and replays them)"
    )
