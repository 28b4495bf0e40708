"""A router's session: one membership in the group of a topic's routers, and one transactional producer.

Why each event is published exactly once:

- Events, dead letters on Kafka and the offsets of their records are one transaction: all of them or none.
- A killed router's transaction is aborted: at once by the next producer of the same name, else by the broker when it
  times out. Readers never see it. A commit that began is finished by the broker.
- A session asks for its offsets after its producer has been initialised, and the broker answers only once no offset is
  pending: it begins exactly behind the last commit.
- After a rebalance a router that did not notice is refused: its offsets name the generation in which it got its
  records. The membership is kept as of the assignment, because a client that was thrown out forgets its generation,
  and the broker checks none where none is given.
- Dead letters enter ClickHouse before the transaction, under their place: written again, they replace themselves.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import InvalidProducerEpochError, KafkaError, NoOffsetForPartitionError, ProducerFencedError

from schemas.connection import KafkaConnection
from schemas.dead_letter import DeadLetter
from schemas.topics import DEAD, EVENTS, MAX_DEAD_BYTES
from streams.broker import topics
from streams.broker.group import SESSION_SECONDS
from streams.broker.topic_reader import READ_COMMITTED, poll
from streams.dead_letters.topic import encoded
from streams.errors import Superseded, Unreachable
from streams.routing.batch import Batch, Rule, read
from streams.routing.envelopes import envelopes

_AT_ONCE = 5_000
_BLOCK_MILLISECONDS = 30_000
_TRANSACTION_MILLISECONDS = 30_000
"""After so long the broker ends the transaction of a router that does not come back; until then readers wait."""

_METADATA_MILLISECONDS = 30_000
"""How soon the group's leader notices partitions that were added, or that its client missed."""
_TOPIC_SECONDS = 10.0


def group_of(topic: str) -> str:
    """The consumer group of a topic's routers."""
    return f"dossier-router-{topic}"


class Session(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Routes batches until an error; then it must be closed, and another one goes on behind the last commit.

    `put_aside` stores dead letters, each at least once. Where records are gone that were not routed, `step` raises
    LostEvents, unless `accepts_gap`: then it goes on with the first that there is. All methods raise Unreachable, or
    Superseded once another router of this name has begun. For one thread.
    """

    def __init__(
        self,
        kafka: KafkaConnection,
        topic: str,
        name: str,
        rule: Rule,
        put_aside: Callable[[Sequence[DeadLetter]], None],
        *,
        accepts_gap: bool = False,
        **options: Any,
    ) -> None:
        self._kafka = kafka
        self._rule = rule
        self._put_aside = put_aside
        self._member: Any = None
        self._consumer: Any = None
        with topics.translated_errors(kafka):
            self._producer = KafkaProducer(
                **kafka.options(),
                client_id=name,
                acks="all",
                transactional_id=f"{group_of(topic)}-{name}",
                transaction_timeout_ms=_TRANSACTION_MILLISECONDS,
                max_block_ms=_BLOCK_MILLISECONDS,
                max_request_size=MAX_DEAD_BYTES,
                allow_auto_create_topics=False,
            )
        try:
            with self._refusals():
                self._producer.init_transactions()
                self._partitions = len(self._producer.partitions_for(EVENTS))
                self._consumer = KafkaConsumer(
                    **kafka.options(),
                    **READ_COMMITTED,
                    **{
                        "client_id": name,
                        # Who comes back under its name has its partitions at once, and who was replaced is refused.
                        "group_instance_id": name,
                        "group_id": group_of(topic),
                        "auto_offset_reset": "earliest" if accepts_gap else "none",
                        "max_poll_records": _AT_ONCE,
                        "session_timeout_ms": int(SESSION_SECONDS * 1000),
                        "heartbeat_interval_ms": int(SESSION_SECONDS * 1000 / 4),
                        "metadata_max_age_ms": _METADATA_MILLISECONDS,
                        "allow_auto_create_topics": False,
                    }
                    | options,
                )
                self._consumer.subscribe([topic], listener=self)
                self._wait_for_partitions(topic)
        except BaseException:
            self.close()
            raise

    def step(self, milliseconds: int) -> Batch | None:
        """Route the records that come within this time; returns what they were, once they are committed."""
        found = self._poll(milliseconds)
        member = self._member
        if not found:
            return None
        if member is None:
            raise Unreachable("records came before the group had told whose they are")
        batch = read(found, self._rule)
        if batch.letters:
            self._put_aside(batch.letters)
        with self._refusals():
            self._begin()
            self._send(batch)
            self._send_offsets(found, member)
            self._commit()
        return batch

    def lag(self) -> dict[int, int]:
        """The records that wait in each owned partition, as far as the broker has told."""
        consumer = self._consumer
        with topics.translated_errors(self._kafka):
            known = {place: consumer.highwater(place) for place in consumer.assignment()} if consumer else {}
            return {
                place.partition: max(0, end - consumer.position(place, timeout_ms=1000))
                for place, end in known.items()
                if end is not None
            }

    def close(self) -> None:
        """Leave the group; an open transaction is aborted by whoever comes next."""
        with suppress(KafkaError):
            self._producer.close(timeout=1)
        if self._consumer is not None:
            with suppress(KafkaError):
                self._consumer.close(autocommit=False)

    def on_partitions_revoked(self, _: Iterable[Any]) -> None:
        """A rebalance begins: there is no transaction between two steps."""

    def on_partitions_assigned(self, _: Iterable[Any]) -> None:
        """A rebalance has ended: what is polled from here on belongs to this membership."""
        self._member = self._consumer.group_metadata()

    def _poll(self, milliseconds: int) -> dict[TopicPartition, list[Any]]:
        with topics.translated_errors(self._kafka):
            try:
                return poll(self._consumer, milliseconds)
            except NoOffsetForPartitionError:
                # The first router of a topic begins at its beginning.
                places = self._consumer.assignment()
                new = [place for place in places if self._consumer.committed(place) is None]
                self._consumer.seek_to_beginning(*new)
                return {}

    def _wait_for_partitions(self, topic: str) -> None:
        """Return once the client knows them: a leader that does not assigns nothing, and the group stays without.

        The client takes the answer to what it asked before it knew a topic for that about the topic. It compares with
        what it learned since it subscribed: had it learned less, its group would be rebalanced at the next answer.
        """
        deadline = time.monotonic() + _TOPIC_SECONDS
        while topic not in self._consumer.topics():
            if time.monotonic() > deadline:
                raise Unreachable(f"Kafka at {self._kafka.bootstrap} tells of no topic {topic}: check that it exists")
            time.sleep(0.1)

    def _begin(self) -> None:
        self._producer.begin_transaction()

    def _send(self, batch: Batch) -> None:
        sent = [
            self._producer.send(EVENTS, value, partition=partition)
            for partition, value in envelopes(batch.events, self._partitions)
        ]
        sent += [self._producer.send(DEAD, encoded(letter), partition=0) for letter in batch.letters]
        self._producer.flush()
        for each in sent:
            each.get(timeout=0)

    def _send_offsets(self, found: dict[TopicPartition, list[Any]], member: Any) -> None:
        ends = {place: OffsetAndMetadata(self._consumer.position(place), "", -1) for place in found}
        self._producer.send_offsets_to_transaction(ends, member)

    def _commit(self) -> None:
        self._producer.commit_transaction()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            with topics.translated_errors(self._kafka):
                yield
        except Unreachable as error:
            # Only the refused call raises these; later calls raise a general error that names them.
            if any(kind.__name__ in str(error) for kind in (ProducerFencedError, InvalidProducerEpochError)):
                raise Superseded("another router of this topic and name has begun: give each its own --name") from error
            raise
