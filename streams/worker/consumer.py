"""Faust's consumer, but for three things.

It reads committed records only, it hands out the holes between them, and it neither jumps nor dies unseen. Faust drives
aiokafka in a thread of its own and has no say in these, so what is private of both is used here.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from aiokafka.consumer.fetcher import FetchError
from aiokafka.errors import ConsumerStoppedError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import ConsumerMessage

from streams.broker.topic_reader import unreadable
from streams.counting.offset_gaps import fill_gaps
from streams.counting.record import Record, offset_gap
from streams.errors import LostEvents

NEVER_JUMPS = "none"
"""For `consumer_auto_offset_reset`: an offset that is gone must be told, not passed over."""


class HoleMessage(ConsumerMessage):
    """What Faust hands around for a hole: acknowledged like a message, it lets the group go on behind it."""

    __slots__ = ("first",)
    first: int


def record_of(message: Any) -> Record:
    """What counting sees of a message of Faust's."""
    if isinstance(message, HoleMessage):
        return offset_gap(message.partition, message.first, message.offset)
    # Faust has turned Kafka's milliseconds into seconds.
    timestamp = -1 if message.timestamp is None else round(message.timestamp * 1000)
    return Record(message.partition, message.offset, timestamp, message.value)


class _Thread(AIOKafkaConsumerThread):
    """The thread that aiokafka lives in."""

    logger = AIOKafkaConsumerThread.logger

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        """What is there of the active partitions, holes included, or comes within the time."""
        if not self.consumer.flow_active:
            return {}
        fetcher, subscriptions = consumer._fetcher, consumer._subscription
        deadline = time.monotonic() + (timeout or 0)
        with subscriptions.fetch_context():
            while True:
                if consumer._closed or fetcher._closed:
                    raise ConsumerStoppedError
                _raise_what_ended(consumer)
                if subscriptions.reassignment_in_progress:
                    await subscriptions.wait_for_assignment()
                try:
                    found = _take(fetcher, subscriptions, active_partitions, max_records)
                except OffsetOutOfRangeError as error:
                    await _go_on(consumer, error.args[0])
                    continue
                except NoOffsetForPartitionError as error:
                    await _go_on(consumer, {error.args[0]: -1})
                    continue
                left = deadline - time.monotonic()
                if found or left <= 0:
                    return found
                waiter = fetcher._create_fetch_waiter()
                done, _ = await asyncio.wait([waiter], timeout=left)
                if not done:
                    waiter.cancel()
                    return {}
                waiter.result()  # raises where the group does not let this worker in


class _Consumer(Consumer):
    logger = Consumer.logger

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: Any, record: Any) -> ConsumerMessage:
        if not isinstance(record, Record):
            return super()._to_message(tp, record)
        nothing: Any = None
        said = (nothing,) * 8
        generation = self.app.consumer_generation_id
        message = HoleMessage(tp.topic, tp.partition, record.offset, *said, tp, generation_id=generation)
        message.first = record.first
        return message

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Nothing: holes are messages, and every offset is acknowledged with one."""

    def _new_offset(self, tp: Any) -> int | None:
        """Where the group goes on: batches are confirmed in the order of the log, so behind the last that is."""
        acked = self._acked[tp]
        if not acked:
            return None
        offset: int = max(acked) + 1
        self._acked_index[tp].difference_update(acked)
        acked.clear()
        return offset


class CommittedTransport(Transport):
    """Faust's transport over aiokafka with the consumer of this module."""

    Consumer = _Consumer


def _take(fetcher: Any, subscriptions: Any, active_partitions: Any, most: int | None) -> dict[Any, list[Any]]:
    """What is fetched by now, a partition after another, each with the holes in it.

    Nothing is waited for: between a position and the records from it on nothing else may happen.
    """
    found: dict[Any, list[Any]] = {}
    for place in list(fetcher._records):
        if not subscriptions.is_assigned(place):
            del fetcher._records[place]
            continue
        if active_partitions and place not in active_partitions:
            continue
        fetched, state = fetcher._records[place], subscriptions.subscription.assignment.state_value(place)
        if isinstance(fetched, FetchError):
            if found:
                break  # it is said at the next call: what was taken is not to be lost over it
            del fetcher._records[place]
            fetcher._notify(fetcher._wait_consume_future)
            fetched.check_raise()
        start = state.position
        try:
            records = fetched.getall(most)
        except Exception as error:  # the client's own errors, and whatever a codec's library raises
            raise unreadable(f"{place.topic} partition {place.partition} from offset {start} on", error) from error
        if not fetched.has_more():
            del fetcher._records[place]
            fetcher._notify(fetcher._wait_consume_future)
        if state.position > start:
            is_whole = len(records) == state.position - start
            found[place] = records if is_whole else list(fill_gaps(place.partition, start, records, state.position))
        if most is not None and (most := most - len(records)) <= 0:
            break
    return found


async def _go_on(consumer: Any, missing: Mapping[Any, int]) -> None:
    """Go on at the first record there is where the log begins later: counting knows whether all before it is counted.

    `missing` are the offsets that the broker does not have, -1 where the group never was. Raises LostEvents where the
    log ends earlier: what is written there now is not what was counted.
    """
    for place, offset in missing.items():
        (first,) = (await consumer.beginning_offsets([place])).values()
        if first <= offset:
            raise LostEvents(
                f"{place.topic} partition {place.partition} does not have offset {offset}, which is the next to read: "
                f"it was cut off, and begins at {first}; `dossier doctor` says what to do"
            )
        consumer.seek(place, first)


def _raise_what_ended(consumer: Any) -> None:
    """Raise what ended one of the consumer's own tasks: nothing would ever come again, and nobody would say so."""
    consumer._coordinator.check_errors()
    routine = consumer._fetcher._fetch_task
    if routine.done() and not routine.cancelled() and (error := routine.exception()):
        raise unreadable("what Kafka sent", error.__cause__ or error) from error
