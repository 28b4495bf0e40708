"""The publisher that all connectors share: it sends events in envelopes, and drops none silently."""

import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from connectors.errors import EventTooLarge, Undelivered
from connectors.publishing.deliveries import Deliveries
from connectors.publishing.envelope_builder import Envelope, EnvelopeBuilder, Limits
from connectors.publishing.kafka_transport import KafkaTransport, Transport
from schemas.connection import KafkaConnection
from schemas.envelope import MAX_EVENT_BYTES, encode, encode_event
from schemas.events import Event
from schemas.nfc import nfc_struct
from schemas.partition import partitions_of
from schemas.topics import EVENTS

LIVE = Limits()
"""For a trickle of events: an event waits up to 25 ms for others."""
BULK = Limits(linger=0.5)
"""For files and backlogs: full envelopes matter more than latency."""
MAX_BLOCK = 60.0
"""Seconds that a publisher waits for Kafka before it gives up."""


class Publisher:
    """Publishes events to one topic, in order per dossier, at least once, with bounded memory.

    `publish` returns when the event is accepted, `flush` when Kafka has acknowledged everything accepted. A failed
    delivery raises Undelivered in the next call and in every later one: after a loss, the publisher accepts nothing
    more. Thread-safe. Close it, or use it as a context manager: leaving the block flushes.
    """

    def __init__(
        self,
        transport: Transport,
        limits: Limits = LIVE,
        *,
        max_unacknowledged: int = 16 * 1024 * 1024,
        max_block: float = MAX_BLOCK,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._deliveries = Deliveries(transport.address, transport.topic, max_unacknowledged)
        self._max_block = max_block
        self._clock = clock
        # Envelopes leave `_builder` and are sent under one lock, or two of a partition could overtake each other.
        self._lock = threading.Lock()
        self._added = threading.Condition(self._lock)
        self._builder = EnvelopeBuilder(limits, partial(partitions_of, partitions=transport.partitions))
        self._closed = False
        self._sender = threading.Thread(target=self._send_due, name="publisher-linger", daemon=True)
        self._sender.start()

    @property
    def acknowledged(self) -> int:
        """How many events Kafka has acknowledged."""
        return self._deliveries.acknowledged

    def publish(self, event: Event) -> None:
        """Accept one event.

        Blocks while too much is unacknowledged. Raises Undelivered when that lasts `max_block` seconds (the event is
        then not accepted) or an earlier delivery failed, and EventTooLarge for an event that readers would reject.
        """
        line = encode_event(event)
        if not line.isascii():
            # A dossier's partition is that of its id in NFC, which is how readers decode it.
            event = nfc_struct(event)
            line = encode_event(event)
        if len(line) > MAX_EVENT_BYTES:
            raise EventTooLarge(
                f"event {event.id!r} of dossier {event.dossier!r} has {len(line)} bytes, {MAX_EVENT_BYTES} are allowed"
            )
        self._deliveries.wait_for_room(self._max_block)
        with self._lock:
            self._check_open()
            opens = self._builder.is_empty
            self._deliveries.accepted += 1
            if full := self._builder.add(event.dossier, event.id, line, self._clock()):
                self._send(full)
            if opens:
                self._added.notify()

    def flush(self, timeout: float | None = None) -> None:
        """Send open envelopes and wait until all are acknowledged; raises Undelivered when that takes too long.

        `timeout` is in seconds, `max_block` by default.
        """
        with self._lock:
            self._send(self._builder.drain())
            last = self._deliveries.last
        self._deliveries.wait_until_acknowledged(last, self._max_block if timeout is None else timeout)

    def close(self, timeout: float | None = None) -> None:
        """Flush and release all resources, even when the flush raises; closing twice does nothing.

        A failed delivery that `publish` or `flush` has raised already is not raised again.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._added.notify()
        try:
            if not self._deliveries.has_raised:
                self.flush(timeout)
        finally:
            self._sender.join()
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A process that is being terminated does not wait a minute for Kafka.
        forced = error is not None and not isinstance(error, Exception)
        try:
            self.close(1.0 if forced else None)
        except Undelivered as failure:
            if error is None:
                raise
            error.add_note(str(failure))

    def _send(self, envelopes: list[Envelope]) -> None:
        for envelope in envelopes:
            on_done = self._deliveries.add(envelope)
            try:
                self._transport.send(envelope.partition, encode(envelope.lines), on_done)
            except Exception as error:  # whatever error the transport raises, these events were not delivered
                on_done(error)

    def _send_due(self) -> None:
        with self._lock:
            while not self._closed:
                due = self._builder.next_due()
                now = self._clock()
                if due is not None and due <= now:
                    self._send(self._builder.due(now))
                else:
                    self._added.wait(None if due is None else due - now)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the publisher is closed")


def connect(
    kafka: KafkaConnection, limits: Limits = LIVE, *, topic: str = EVENTS, max_block: float = MAX_BLOCK
) -> Publisher:
    """A publisher to a topic of this Kafka; raises Unreachable within seconds when it cannot be reached."""
    return Publisher(KafkaTransport(kafka, topic), limits, max_block=max_block)
