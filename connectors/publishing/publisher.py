"""The publisher that all connectors share: it sends events in envelopes, and drops none silently."""

import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from connectors.errors import EventTooLarge, Undelivered
from connectors.publishing.envelope_builder import Envelope, EnvelopeBuilder, Limits
from connectors.publishing.transport import KafkaTransport, Transport
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
        self._max_unacknowledged = max_unacknowledged
        self._max_block = max_block
        self._clock = clock
        # Envelopes leave `_builder` and are sent under one lock, or two of a partition could overtake each other.
        self._lock = threading.Lock()
        self._added = threading.Condition(self._lock)
        self._builder = EnvelopeBuilder(limits, partial(partitions_of, partitions=transport.partitions))
        self._closed = False
        # Acknowledgements arrive on the transport's thread and must never wait for a sender: they have their own lock.
        self._settled = threading.Condition()
        self._in_flight: dict[int, Envelope] = {}
        self._sent = 0
        self._unacknowledged = 0
        self._accepted = 0
        self._acknowledged = 0
        self._failed: list[tuple[Envelope, Exception]] = []
        self._raised = False
        self._sender = threading.Thread(target=self._send_due, name="publisher-linger", daemon=True)
        self._sender.start()

    @property
    def acknowledged(self) -> int:
        """How many events Kafka has acknowledged."""
        return self._acknowledged

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
        self._make_room()
        with self._lock:
            self._check_open()
            opens = self._builder.is_empty
            self._accepted += 1
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
            last = self._sent
        limit = self._max_block if timeout is None else timeout
        with self._settled:
            # Envelopes are numbered in the order of sending, and the first of a dict is the oldest.
            done = self._settled.wait_for(lambda: self._failed or next(iter(self._in_flight), last + 1) > last, limit)
            self._raise_failures()
            if not done:
                raise self._stalled(limit)

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
            if not self._raised:
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

    def _make_room(self) -> None:
        if not self._failed and self._unacknowledged < self._max_unacknowledged:
            return
        with self._settled:
            free = self._settled.wait_for(
                lambda: self._failed or self._unacknowledged < self._max_unacknowledged, self._max_block
            )
            self._raise_failures()
            if not free:
                raise self._stalled(self._max_block)

    def _send(self, envelopes: list[Envelope]) -> None:
        for envelope in envelopes:
            with self._settled:
                self._sent += 1
                self._in_flight[self._sent] = envelope
                self._unacknowledged += envelope.size
            settle = partial(self._settle, self._sent)
            try:
                self._transport.send(envelope.partition, encode(envelope.lines), settle)
            except Exception as error:  # whatever error the transport raises, these events were not delivered
                settle(error)

    def _settle(self, number: int, error: Exception | None) -> None:
        with self._settled:
            envelope = self._in_flight.pop(number, None)
            if envelope is None:
                return
            self._unacknowledged -= envelope.size
            if error is None:
                self._acknowledged += len(envelope.lines)
            else:
                self._failed.append((envelope, error))
            self._settled.notify_all()

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

    def _raise_failures(self) -> None:
        if self._failed:
            envelope, error = self._failed[0]
            reason = " ".join(str(error).split()) or type(error).__name__
            raise self._again(envelope, f"were not delivered ({reason})")

    def _stalled(self, seconds: float) -> Undelivered:
        oldest = next(iter(self._in_flight.values()))
        return self._again(oldest, f"were not acknowledged within {seconds:g} s")

    def _again(self, first: Envelope, what: str) -> Undelivered:
        self._raised = True
        missing = self._accepted - self._acknowledged
        topic = self._transport.topic
        return Undelivered(
            f"{missing} events for {topic} at {self._transport.address} {what}, beginning with {first.first_id!r} of "
            f"partition {first.partition}: check Kafka, then publish the same source again; nothing is "
            "counted twice",
            topic=topic,
            partition=first.partition,
            events=missing,
            first_id=first.first_id,
        )


def connect(
    kafka: KafkaConnection, limits: Limits = LIVE, *, topic: str = EVENTS, max_block: float = MAX_BLOCK
) -> Publisher:
    """A publisher to a topic of this Kafka; raises Unreachable within seconds when it cannot be reached."""
    return Publisher(KafkaTransport(kafka, topic), limits, max_block=max_block)
