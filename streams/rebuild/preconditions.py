"""What a rebuild may count, and where workers resume after it: pure rules."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from msgspec import structs

from schemas.topics import EVENTS
from streams.counting.log_position import MAX_EPOCH
from streams.errors import Diverged, NotMigrated, Unfinished
from streams.storage.epochs import Entry, History, Origin, difference
from streams.storage.offset_agreement import PartitionOffsets

Source = Literal["events", "topic"]


def serving_entry(history: History) -> Entry:
    """The epoch that serves; raises NotMigrated where there is none."""
    if history.serving is None:
        raise NotMigrated("the database belongs to no topic yet, so there is nothing to rebuild: run `dossier migrate`")
    return history.serving


def new_entry(history: History, origin: Origin, source: Source, database: str) -> Entry:
    """The entry of a rebuild that begins now: its log is counted in the epoch before; raises Diverged without room."""
    epoch = history.last_epoch + 2
    if epoch > MAX_EPOCH:
        raise Diverged(f"database {database} was rebuilt {epoch // 2} times: positions have no room for more epochs")
    return Entry(epoch, origin, "rebuilding", source, datetime.now(UTC))


def source_of(entry: Entry) -> str:
    """What a rebuild counts: `events` or `topic`; the digest of the log may follow in the entry."""
    return entry.source.partition(" ")[0]


def require_same(unfinished: Entry, found: Origin, source: Source | None, database: str) -> None:
    """Raise Unfinished unless an unfinished rebuild can be resumed with this origin and source."""
    began_from = source_of(unfinished)
    if unfinished.origin != found or source not in (None, began_from):
        raise Unfinished(
            f"the unfinished rebuild of database {database} counts from {began_from}, {_text(unfinished.origin)}, but "
            f"the settings now say from {source or began_from}, {_text(found)}: finish it with the settings that it "
            "was begun with, or give it up with `dossier rebuild --abandon`"
        )


def require_own_cluster(stored: Origin, found: Origin, database: str, address: str) -> None:
    """Raise WrongIdentity where the counts belong to another Kafka cluster."""
    if stored.cluster not in ("", found.cluster) and (error := difference(stored, found, database, address)):
        raise error


def require_complete_topic(history: History, found: Origin, offsets: Iterable[PartitionOffsets]) -> None:
    """Raise Diverged unless the topic has every record that was ever counted, in the partition of its dossier."""
    served = [entry.origin for entry in history.entries if entry.state == "serving"]
    answer = "count the raw events instead: `dossier rebuild`"
    if any((origin.topic_id, origin.partitions) != (found.topic_id, found.partitions) for origin in served):
        raise Diverged(
            f"topic {EVENTS} was made anew or given other partitions since its counts began, so it does not have all "
            f"of their records in their partitions: {answer}"
        )
    for at in offsets:
        if at.first or at.is_replaced:
            raise Diverged(
                f"{EVENTS} partition {at.partition} does not hold all that was counted of it (it has offsets "
                f"{at.first} to {at.end - 1}, {at.next} is the next to count): {answer}"
            )


def resume_offset(at: PartitionOffsets, stored: Origin, found: Origin) -> int:
    """Where workers resume in a partition once the raw events are counted; 0 where nothing of it was ever counted.

    In a partition that was truncated, it is unknown which records were counted. So all of them are read again, which
    changes nothing for those that the raw events contain.
    """
    if stored.topic_id != found.topic_id or stored.cluster not in ("", found.cluster):
        return 0
    return at.first if at.is_replaced else at.next


def changes(serving: Entry, entry: Entry) -> list[str]:
    """How the new epoch differs from the serving one, a line each."""
    was, will = structs.asdict(serving.origin), structs.asdict(entry.origin)
    changed = {"epoch": (serving.epoch, entry.epoch)} | {key: (was[key], will[key]) for key in was}
    return [f"{key.replace('_', ' ')}: {old or '-'} -> {new}" for key, (old, new) in changed.items() if old != new]


def _text(origin: Origin) -> str:
    return f"topic id {origin.topic_id}, {origin.partitions} partitions, rules {origin.rules}"
