"""The Kafka topics, with every setting on which counting relies."""

from msgspec import Struct

EVENTS = "dossier-events"
DEAD = "dossier-events-dead"
ALERTS = "dossier-alerts"
IMPORTS = "dossier-imports"
INBOX = "dossier-inbox"

MAX_DEAD_BYTES = 4 * 1024 * 1024
"""A dead letter holds a whole record of up to 1 MiB, escaped or in base64, and what is wrong with it."""
INBOX_DAYS = 30
"""How long the inbox keeps what was routed; a router that was away for longer finds a gap, and says so."""
_MOST_INBOX_PARTITIONS = 4


class Topic(Struct, frozen=True):
    """A topic as it must be. Its partition count is frozen: dossiers would move between partitions otherwise."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


def declared(partitions: int, replication: int) -> tuple[Topic, ...]:
    """The topics of a deployment.

    `dossier-events` is kept for ever and never compacted: no record may be missing and the counts can be rebuilt from
    it. The broker stamps each record with its own clock, by which "in the future" is judged: no producer can be wrong
    about it. The offsets of `dossier-imports` number imports, so it is kept, too. With two replicas or more, two must
    have a record before it is acknowledged.

    `dossier-inbox` takes events by any key and partitioner; a router moves them. Its partitions only share that work.
    """
    safety = {"min.insync.replicas": str(min(2, replication))}
    kept = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
    return (
        Topic(
            EVENTS,
            partitions,
            replication,
            safety | kept | {"compression.type": "producer", "message.timestamp.type": "LogAppendTime"},
        ),
        Topic(
            DEAD,
            1,
            replication,
            safety | kept | {"compression.type": "producer", "max.message.bytes": str(MAX_DEAD_BYTES)},
        ),
        Topic(ALERTS, 1, replication, safety | kept | {"compression.type": "producer"}),
        Topic(IMPORTS, 1, replication, safety | kept | {"compression.type": "producer"}),
        Topic(
            INBOX,
            min(partitions, _MOST_INBOX_PARTITIONS),
            replication,
            safety
            | kept
            | {
                "compression.type": "producer",
                "message.timestamp.type": "LogAppendTime",
                "retention.ms": str(INBOX_DAYS * 24 * 3600 * 1000),
            },
        ),
    )
