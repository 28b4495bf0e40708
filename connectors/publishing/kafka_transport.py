"""How the publisher reaches a topic: the interface it needs, and its implementation by Kafka."""

import logging
from collections.abc import Callable
from typing import Protocol, TypeAlias

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from connectors.errors import Unreachable
from schemas.connection import KafkaConnection

# Failures reach the caller as our own errors; the client's log lines would only repeat them.
logging.getLogger("kafka").addHandler(logging.NullHandler())

_STOP_SECONDS = 2.0

OnDone: TypeAlias = Callable[[Exception | None], None]
"""Called once per record, on any thread: with None when all required replicas have it, else with the error."""


class Transport(Protocol):
    """A topic. `send` returns at once and keeps the order of records within a partition."""

    address: str
    topic: str
    partitions: int

    def send(self, partition: int, value: bytes, on_done: OnDone) -> None:
        """Accept one record; where it raises, the record is not accepted and `on_done` is not called."""

    def close(self) -> None:
        """Abandon what is in flight after a moment, and release sockets and threads."""


class KafkaTransport:
    """A topic of a Kafka cluster, through an idempotent producer that waits for all in-sync replicas.

    Raises Unreachable within `patience` seconds when no broker answers or the topic does not exist. Records are not
    compressed by default: gzip takes nine times as long as encoding the events did.
    """

    def __init__(
        self, kafka: KafkaConnection, topic: str, *, patience: float = 5.0, compression: str | None = None
    ) -> None:
        self.address = kafka.bootstrap
        self.topic = topic
        milliseconds = int(patience * 1000)
        clients: list[KafkaNetClient] = []

        def client(**options: object) -> KafkaNetClient:
            clients.append(KafkaNetClient(**options))
            return clients[-1]

        try:
            self._producer = KafkaProducer(
                **kafka.options(),
                client_id="dossier-publisher",
                enable_idempotence=True,
                acks="all",
                compression_type=compression,
                batch_size=512 * 1024,
                max_request_size=1_000_000,
                max_block_ms=milliseconds,
                bootstrap_timeout_ms=milliseconds,
                reconnect_backoff_max_ms=1000,
                request_timeout_ms=30_000,
                delivery_timeout_ms=120_000,
                allow_auto_create_topics=False,
                metrics_enabled=False,
                kafka_client=client,
            )
        except (KafkaError, OSError) as error:
            # A producer that fails to start leaves its client's sockets open.
            for left in clients:
                left.close()
            raise Unreachable(
                f"no Kafka broker answers at {kafka.bootstrap} ({_brief(error)}): start it (`dossier up`) or "
                f"correct {kafka.named_by}"
            ) from error
        try:
            self.partitions = len(self._producer.partitions_for(topic))
        except KafkaError as error:
            self._producer.close(timeout=0)
            raise Unreachable(
                f"topic {topic} is not on the Kafka at {kafka.bootstrap} ({_brief(error)}): run `dossier migrate`"
            ) from error

    def send(self, partition: int, value: bytes, on_done: OnDone) -> None:
        """Pass one record to the producer; raises KafkaError when it does not accept it."""
        future = self._producer.send(self.topic, value=value, partition=partition)
        future.add_callback(lambda _: on_done(None))
        future.add_errback(on_done)

    def close(self) -> None:
        """Stop the producer; records that are not acknowledged by then fail."""
        sender = self._producer._sender
        try:
            self._producer.close(timeout=1)
        except KafkaError:
            # With records left, it raises before its thread has stopped, and would raise again when collected.
            sender.force_close()
            self._producer._closed = True
        # It is the thread that closes the sockets; of a broker that is gone, it goes on opening some until it ends.
        sender.join(_STOP_SECONDS)


def _brief(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
