"""Publishes single events at a steady rate, in a process of its own, and records when each was published."""

import time
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event as Flag

from connectors.publishing.publisher import LIVE, connect
from connectors.simulator.live_traffic import live
from connectors.simulator.pacing import paced
from connectors.simulator.simulation_plan import Plan
from schemas.connection import KafkaConnection


class PacedTraffic:
    """Publishes `rate` events a second, for some seconds or until it is stopped.

    Its events have the source `source` and happen so many days ago: traffic of one day repeats the ids of dossiers.
    """

    def __init__(self, kafka: KafkaConnection, source: str, rate: float, seconds: float, days_ago: int = 0) -> None:
        # Not forked: the parent has threads.
        context = get_context("spawn")
        self._stopped = context.Event()
        self._calls, sender = context.Pipe(duplex=False)
        plan = Plan(seed=round(rate), duplicates=0.0, source=source)
        self._process = context.Process(
            target=_publish,
            args=(kafka, plan, rate, seconds, days_ago, self._stopped, sender),
            name="traffic",
            daemon=True,
        )
        self._process.start()
        sender.close()

    def stop(self) -> dict[str, float]:
        """Stop publishing; returns the calls."""
        self._stopped.set()
        return self.calls()

    def calls(self) -> dict[str, float]:
        """The seconds of the monotonic clock at which each event was given to the publisher, by its id, in order.

        Waits for the end; raises RuntimeError where the process failed. It says why on standard error.
        """
        try:
            calls: dict[str, float] = self._calls.recv()
        except EOFError:
            raise RuntimeError("the process that publishes has ended by itself") from None
        self._process.join()
        return calls


def _publish(
    kafka: KafkaConnection,
    plan: Plan,
    rate: float,
    seconds: float,
    days_ago: int,
    stopped: Flag,
    sender: Connection,
) -> None:
    start = datetime.now(UTC) - timedelta(days=days_ago)
    end = start + timedelta(seconds=seconds)
    events = takewhile(lambda each: each[0] < end, live(plan, start, rate))
    calls = {}
    with connect(kafka, LIVE) as publisher:
        for event in paced(events, start, time.monotonic, time.sleep):
            if stopped.is_set():
                break
            calls[event.id] = time.monotonic()
            publisher.publish(event)
    sender.send(calls)
