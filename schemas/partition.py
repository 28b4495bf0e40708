"""Which partition a dossier belongs to, as every Kafka client computes it from a key."""

from kafka.partitioner.default import murmur2


def partition_of(dossier: str, partitions: int) -> int:
    """The partition of this dossier in a topic of so many partitions."""
    return int(murmur2(dossier.encode()) & 0x7FFFFFFF) % partitions
