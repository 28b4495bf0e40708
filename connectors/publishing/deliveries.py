"""The envelopes that a publisher has sent: which are in flight, acknowledged or failed. Thread-safe."""

import threading
from collections.abc import Callable
from functools import partial

from connectors.errors import Undelivered
from connectors.publishing.envelope_builder import Envelope


class Deliveries:
    """Tracks deliveries to one topic; `address` and `topic` are for error messages.

    Acknowledgements arrive on the transport's thread and must never wait for a sender: they have a lock of their own.
    """

    def __init__(self, address: str, topic: str, max_unacknowledged: int) -> None:
        self._address = address
        self._topic = topic
        self._max_unacknowledged = max_unacknowledged
        self._settled = threading.Condition()
        self._in_flight: dict[int, Envelope] = {}
        self._unacknowledged = 0
        self._failed: list[tuple[Envelope, Exception]] = []
        self.last = 0
        """The number of the envelope that was sent last."""
        self.accepted = 0
        """Events that the publisher has accepted."""
        self.acknowledged = 0
        """Events that Kafka has acknowledged."""
        self.has_raised = False
        """Whether a failure was raised already."""

    def add(self, envelope: Envelope) -> Callable[[Exception | None], None]:
        """Record an envelope that is being sent; returns the callback for its outcome."""
        with self._settled:
            self.last += 1
            self._in_flight[self.last] = envelope
            self._unacknowledged += envelope.size
            return partial(self._settle, self.last)

    def _settle(self, number: int, error: Exception | None) -> None:
        with self._settled:
            envelope = self._in_flight.pop(number, None)
            if envelope is None:
                return
            self._unacknowledged -= envelope.size
            if error is None:
                self.acknowledged += len(envelope.lines)
            else:
                self._failed.append((envelope, error))
            self._settled.notify_all()

    def wait_for_room(self, seconds: float) -> None:
        """Block while too many bytes are unacknowledged; raises Undelivered after a failure or that many seconds."""
        if not self._failed and self._unacknowledged < self._max_unacknowledged:
            return
        self._wait(lambda: self._unacknowledged < self._max_unacknowledged, seconds)

    def wait_until_acknowledged(self, last: int, seconds: float) -> None:
        """Block until all envelopes up to this number are acknowledged; raises Undelivered as `wait_for_room` does."""
        # Envelopes are numbered in the order of sending, and the first of a dict is the oldest.
        self._wait(lambda: next(iter(self._in_flight), last + 1) > last, seconds)

    def _wait(self, done: Callable[[], bool], seconds: float) -> None:
        with self._settled:
            in_time = self._settled.wait_for(lambda: self._failed or done(), seconds)
            if self._failed:
                envelope, error = self._failed[0]
                reason = " ".join(str(error).split()) or type(error).__name__
                raise self._undelivered(envelope, f"were not delivered ({reason})")
            if not in_time:
                oldest = next(iter(self._in_flight.values()))
                raise self._undelivered(oldest, f"were not acknowledged within {seconds:g} s")

    def _undelivered(self, first: Envelope, what: str) -> Undelivered:
        self.has_raised = True
        missing = self.accepted - self.acknowledged
        return Undelivered(
            f"{missing} events for {self._topic} at {self._address} {what}, beginning with {first.first_id!r} of "
            f"partition {first.partition}: check Kafka, then publish the same source again; nothing is counted twice",
            topic=self._topic,
            partition=first.partition,
            events=missing,
            first_id=first.first_id,
        )
