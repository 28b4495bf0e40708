"""Faust's consumer, with three differences.

It reads committed records only, it reports the offset gaps between them, and it neither resets its position nor fails
silently. Faust drives aiokafka in a thread of its own and offers no setting for these, so this module uses private
members of both.
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

NO_RESET = "none"
"""The value of `consumer_auto_offset_reset`: an offset that is gone must be an error, not be skipped."""


class OffsetGapMessage(ConsumerMessage):
    """A message that stands for an offset gap: acknowledging it commits the offset behind the gap."""

    __slots__ = ("first",)
    first: int


def record_of(message: Any) -> Record:
    """The record that counting gets for a message of Faust."""
    if isinstance(message, OffsetGapMessage):
        return offset_gap(message.partition, message.first, message.offset)
    # Faust has turned Kafka's milliseconds into seconds.
    timestamp = -1 if message.timestamp is None else round(message.timestamp * 1000)
    return Record(message.partition, message.offset, timestamp, message.value)


class _Thread(AIOKafkaConsumerThread):
    """The thread in which aiokafka runs."""

    logger = AIOKafkaConsumerThread.logger

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        """The records of the active partitions that are fetched by now or within the time, with their offset gaps."""
        if not self.consumer.flow_active:
            return {}
        fetcher, subscriptions = consumer._fetcher, consumer._subscription
        deadline = time.monotonic() + (timeout or 0)
        with subscriptions.fetch_context():
            while True:
                if consumer._closed or fetcher._closed:
                    raise ConsumerStoppedError
                _raise_failure(consumer)
                if subscriptions.reassignment_in_progress:
                    await subscriptions.wait_for_assignment()
                try:
                    found = _take(fetcher, subscriptions, active_partitions, max_records)
                except OffsetOutOfRangeError as error:
                    await _seek_to_first(consumer, error.args[0])
                    continue
                except NoOffsetForPartitionError as error:
                    await _seek_to_first(consumer, {error.args[0]: -1})
                    continue
                left = deadline - time.monotonic()
                if found or left <= 0:
                    return found
                waiter = fetcher._create_fetch_waiter()
                done, _ = await asyncio.wait([waiter], timeout=left)
                if not done:
                    waiter.cancel()
                    return {}
                waiter.result()  # raises where the group rejects this worker


class _Consumer(Consumer):
    logger = Consumer.logger

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: Any, record: Any) -> ConsumerMessage:
        if not isinstance(record, Record):
            return super()._to_message(tp, record)
        nothing: Any = None
        absent = (nothing,) * 8
        generation = self.app.consumer_generation_id
        message = OffsetGapMessage(tp.topic, tp.partition, record.offset, *absent, tp, generation_id=generation)
        message.first = record.first
        return message

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Do nothing: offset gaps are messages, and every offset is acknowledged with one."""

    async def wait_empty(self) -> None:
        """Wait until everything is acknowledged that was handed out: partitions are revoked, or the worker stops."""
        self.app.drain()  # type: ignore[attr-defined]  # our app has it
        await super().wait_empty()

    def _new_offset(self, tp: Any) -> int | None:
        """The offset to commit: behind the last confirmed one, since batches are confirmed in the order of the log."""
        acked = self._acked[tp]
        if not acked:
            return None
        offset: int = max(acked) + 1
        self._acked_index[tp].difference_update(acked)
        acked.clear()
        return offset


class CommittedTransport(Transport):
    """Faust's transport over aiokafka, with the consumer of this module."""

    Consumer = _Consumer


def _take(fetcher: Any, subscriptions: Any, active_partitions: Any, most: int | None) -> dict[Any, list[Any]]:
    """The records that are fetched by now, by partition, with their offset gaps.

    It does not await: nothing may happen between reading a position and taking the records from it on.
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
                break  # raised at the next call, so that what was taken is not lost
            _discard(fetcher, place)
            fetched.check_raise()
        if not state.has_valid_position:
            # Fetched before a rebalance that gave the partition back: its committed offset is not read yet.
            _discard(fetcher, place)
            continue
        start = state.position
        try:
            records = fetched.getall(most)
        except Exception as error:  # errors of the client, and of any codec's library
            raise unreadable(f"{place.topic} partition {place.partition} from offset {start} on", error) from error
        if not fetched.has_more():
            _discard(fetcher, place)
        if state.position > start:
            is_whole = len(records) == state.position - start
            found[place] = records if is_whole else list(fill_gaps(place.partition, start, records, state.position))
        if most is not None and (most := most - len(records)) <= 0:
            break
    return found


def _discard(fetcher: Any, place: Any) -> None:
    """Forget what is fetched of a partition, so that the fetcher goes on with it."""
    del fetcher._records[place]
    fetcher._notify(fetcher._wait_consume_future)


async def _seek_to_first(consumer: Any, missing: Mapping[Any, int]) -> None:
    """Resume at the first record where the log begins later: counting knows whether everything before it is counted.

    `missing` are the offsets that the broker does not have, -1 where the group never committed. Raises LostEvents where
    the log ends earlier: what is written there now is not what was counted.
    """
    for place, offset in missing.items():
        (first,) = (await consumer.beginning_offsets([place])).values()
        if first <= offset:
            raise LostEvents(
                f"{place.topic} partition {place.partition} does not have offset {offset}, the next to read: "
                f"the partition was truncated and begins at {first}; `dossier doctor` says what to do"
            )
        consumer.seek(place, first)


def _raise_failure(consumer: Any) -> None:
    """Raise the error that ended one of the consumer's own tasks: otherwise it would wait for ever."""
    consumer._coordinator.check_errors()
    routine = consumer._fetcher._fetch_task
    if routine.done() and not routine.cancelled() and (error := routine.exception()):
        raise unreadable("what Kafka sent", error.__cause__ or error) from error
