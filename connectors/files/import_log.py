"""The log of imports: the topic `dossier-imports`, whose offsets number the imports of files one after another.

Because of this number, the later of two imports holds where a source does not say which of its records is newer. The
broker assigns it, so that two machines never get the same one. Importing the same file again, with the same mapping and
as of the same time, gets the first number: every event is then identical.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from msgspec import Struct

from connectors.errors import Unreachable
from connectors.files.mapping import Mapping
from schemas.connection import KafkaConnection
from schemas.instant import to_micros
from schemas.topics import IMPORTS

_PLACE = TopicPartition(IMPORTS, 0)
_SECONDS = 30.0
_LONGEST_NAME = 200


class ImportRecord(Struct, frozen=True, kw_only=True):
    """One import in the log; `digest` is empty for a source that can be read only once, such as a pipe."""

    source: str
    file: str
    digest: str
    as_of: datetime
    began_at: datetime


def imported(path: Path | None, mapping: Mapping, as_of: datetime, now: datetime) -> ImportRecord:
    """The record of the import of this file, or of standard input where `path` is None."""
    return ImportRecord(
        source=mapping.source,
        file="" if path is None else path.name[:_LONGEST_NAME],
        digest="" if path is None else _digest(path, mapping, as_of),
        as_of=as_of,
        began_at=now,
    )


def import_number(kafka: KafkaConnection, record: ImportRecord) -> int:
    """The number of this import, from 0; it is added to the log unless it is there already. Raises Unreachable."""
    with _answered(kafka):
        found = _first(kafka, record.digest)
        if found is None:
            options = {"acks": "all", "enable_idempotence": True, "allow_auto_create_topics": False}
            with closing(KafkaProducer(**kafka.options(), **options, max_block_ms=int(_SECONDS * 1000))) as producer:
                sent = producer.send(IMPORTS, msgspec.json.encode(record), partition=0).get(timeout=_SECONDS)
            # Whoever began the same import at the same moment and was first has numbered both.
            before = _first(kafka, record.digest)
            found = int(sent.offset) if before is None else before
    return found


def _first(kafka: KafkaConnection, digest: str) -> int | None:
    """The number of the first import with this digest."""
    options = {"enable_auto_commit": False, "auto_offset_reset": "earliest", "allow_auto_create_topics": False}
    with closing(KafkaConsumer(**kafka.options(), **options, consumer_timeout_ms=int(_SECONDS * 1000))) as consumer:
        if not consumer.partitions_for_topic(IMPORTS):
            raise Unreachable(f"topic {IMPORTS} is not on the Kafka at {kafka.bootstrap}: run `dossier migrate`")
        consumer.assign([_PLACE])
        consumer.seek_to_beginning(_PLACE)
        end = consumer.end_offsets([_PLACE])[_PLACE]
        while digest and consumer.position(_PLACE) < end:
            for record in consumer.poll(timeout_ms=1000).get(_PLACE, ()):
                if _digest_in(record.value) == digest:
                    return int(record.offset)
    return None


def _digest_in(value: bytes | None) -> str:
    try:
        return msgspec.json.decode(value or b"", type=ImportRecord).digest
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return ""  # a record of another program


def _digest(path: Path, mapping: Mapping, as_of: datetime) -> str:
    content = msgspec.json.encode([msgspec.to_builtins(mapping), to_micros(as_of)], order="sorted")
    digest = blake2b(content, digest_size=16)
    with path.open("rb") as file:
        while some := file.read(1 << 20):
            digest.update(some)
    return digest.hexdigest()


@contextmanager
def _answered(kafka: KafkaConnection) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise Unreachable(
            f"the import cannot be numbered, Kafka at {kafka.bootstrap} does not answer ({text}): start it, or correct "
            f"{kafka.named_by}"
        ) from error
