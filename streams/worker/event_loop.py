"""What a worker's event loop reports to telemetry: that it turns, and the offsets that the broker returns."""

import asyncio
import gc
import time
from collections.abc import Collection
from typing import Any, cast

import faust
from msgspec import Struct

from streams.worker.health import ENDS_SECONDS, LOOP_SECONDS
from streams.worker.telemetry import Telemetry

_COLLECT_SECONDS = 60.0


class _Offsets(Struct, frozen=True):
    """By partition: the high watermarks, the last stable offsets, and the committed offsets that were asked for."""

    ends: dict[int, int]
    stable: dict[int, int]
    committed: dict[int, int]


async def report_to_telemetry(app: faust.App, topic: str, telemetry: Telemetry) -> None:
    """Report until the app stops, and collect garbage now and then.

    The broker is asked on the consumer's own thread; nothing waits for an answer that is late or never comes.
    """
    answer: asyncio.Future[_Offsets] | None = None
    ask_at = collect_at = 0.0
    while not app.should_stop:
        telemetry.loop_turned()
        now = time.monotonic()
        if now >= collect_at:
            gc.collect()
            collect_at = now + _COLLECT_SECONDS
        if answer is not None and answer.done():
            if not answer.cancelled() and answer.exception() is None:
                offsets = answer.result()
                telemetry.ends_read(offsets.ends, offsets.stable)
                telemetry.committed_read(offsets.committed)
            answer = None
        if answer is None and now >= ask_at:
            thread = cast(Any, app.consumer)._thread
            asked = asyncio.wait_for(
                _read_offsets(thread._consumer, topic, telemetry.without_position()), ENDS_SECONDS * 2
            )
            answer = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asked, thread.thread_loop))
            ask_at = now + ENDS_SECONDS
        await asyncio.sleep(LOOP_SECONDS)


async def _read_offsets(consumer: Any, topic: str, without_position: Collection[int]) -> _Offsets:
    """The offsets of the owned partitions; committed ones only of partitions `without_position`."""
    owned = [place for place in consumer.assignment() if place.topic == topic]
    # A worker without partitions asks something else: any answer shows that the broker is there.
    found = await consumer.end_offsets(owned) if owned else await consumer.topics() and {}
    # This consumer reads committed records, so these are last stable offsets; the last fetch has the high watermark.
    stable = {place.partition: offset for place, offset in found.items()}
    ends, committed = {}, {}
    for place, offset in found.items():
        ends[place.partition] = max(offset, consumer.highwater(place) or 0)
        if place.partition in without_position:
            committed[place.partition] = await consumer.committed(place) or 0
    return _Offsets(ends, stable, committed)
