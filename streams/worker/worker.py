"""The worker: a thin Faust agent that hands batches of records to the pipeline and acknowledges what is confirmed.

Faust restarts an agent that raised and lets it skip to later offsets, so here every failure around a batch ends the
process instead, with nothing of it acknowledged; a supervisor starts it again and the records come again.
"""

import asyncio
import gc
import logging
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, cast

import faust
from msgspec import Struct

from schemas.connection import KafkaConnection
from streams.broker.group import GROUP, SESSION_SECONDS
from streams.worker.buffer import Buffer, bounded
from streams.worker.consumer import NEVER_JUMPS, CommittedTransport, record_of
from streams.worker.exit import Deadly, end, end_process, end_with_threads
from streams.worker.pipeline import Pipeline
from streams.worker.telemetry import BEAT_SECONDS, ENDS_SECONDS, Watch

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
_COLLECT_SECONDS = 60.0
_FOREVER_SECONDS = 10 * 365 * 86400.0


class Pace(Struct, frozen=True):
    """How many Kafka records a batch takes at most, and how long it waits for them."""

    records: int
    seconds: float


def make_app(
    kafka: KafkaConnection,
    topic: str,
    pipeline: Pipeline,
    pace: Pace,
    name: str,
    owns_first: Callable[[bool], None] = lambda _: None,
) -> faust.App:
    """The Faust app of one worker; `name` is its identity in the group and must be its own.

    `owns_first` hears whether this worker has partition 0: what exactly one worker is to do is for the one that has.
    """
    app = _App(
        GROUP,
        broker=[f"kafka://{address}" for address in kafka.bootstrap.split(",")],
        broker_credentials=_credentials(kafka),
        consumer_group_instance_id=name,
        consumer_auto_offset_reset=NEVER_JUMPS,
        # A worker that died must be missed soon, and a slow database must never look like a dead worker.
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=SESSION_SECONDS / 4,
        broker_commit_interval=1,
        # Heartbeats and our own health say who is alive. A member that fetches nothing, since a database is away and
        # its buffer is full, would otherwise drop out of the group, and never come back as long as it fetches nothing.
        broker_max_poll_interval=_FOREVER_SECONDS,
        # These two only write of a slow stream, a page a partition every few seconds.
        stream_processing_timeout=_FOREVER_SECONDS,
        broker_commit_livelock_soft_timeout=_FOREVER_SECONDS,
        broker_max_poll_records=500,
        consumer_max_fetch_size=1024 * 1024,
        stream_buffer_maxsize=4096,
        stream_wait_empty=True,
        # No tables, no changelogs, no internal topics: state lives in ClickHouse.
        store="memory://",
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        key_serializer="raw",
        value_serializer="raw",
        worker_redirect_stdouts=False,
    )
    app.conf.web_enabled = False
    records = app.topic(topic, key_serializer="raw", value_serializer="raw")

    @app.agent(records, concurrency=1, name="counting")
    async def counting(stream: Any) -> None:
        counting_thread = ThreadPoolExecutor(1, "count")
        async with Deadly():
            async for events in stream.noack_take(pace.records, within=pace.seconds):
                for some in bounded(events):
                    batch = [record_of(event.message) for event in some]
                    confirmed = await asyncio.get_running_loop().run_in_executor(counting_thread, pipeline.take, batch)
                    _watched(_acknowledge(stream, some, asyncio.wrap_future(confirmed)))

    @app.on_partitions_revoked.connect  # type: ignore[arg-type]  # its protocol names its arguments otherwise
    async def revoked(_app: object, partitions: set[Any], **_: object) -> None:
        pipeline.revoke({partition.partition for partition in partitions if partition.topic == topic})
        pipeline.watch.revoked()
        owns_first(False)
        log.info("the partitions are divided anew")

    @app.on_partitions_assigned.connect  # type: ignore[arg-type]  # as above
    async def assigned(_app: object, partitions: set[Any], **_: object) -> None:
        own = {partition.partition for partition in partitions if partition.topic == topic}
        pipeline.watch.assigned(own)
        owns_first(0 in own)
        log.info("partitions are assigned", extra={"partitions": ",".join(map(str, sorted(own)))})

    @app.task  # type: ignore[untyped-decorator]  # theirs
    async def watching() -> None:
        async with Deadly():
            await _watching(app, topic, pipeline.watch)

    return app


class _App(faust.App):
    """Faust's app, but for three things.

    Its consumer is ours, what is buffered of a stream is bounded in bytes, too, and whatever crashes any of its
    services, in any thread, ends the process.
    """

    def _new_transport(self) -> Any:
        return CommittedTransport(self.conf.broker_consumer, self)

    def _crash(self, reason: BaseException) -> None:
        # A rebalance cancels what reads, and that is no failure; nor is what breaks while everything is being stopped.
        if self.should_stop or isinstance(reason, asyncio.CancelledError):
            super()._crash(reason)
        else:
            end_process(reason)

    def FlowControlQueue(self, maxsize: int | None = None, *, clear_on_resume: bool = False) -> Buffer:  # noqa: N802
        return Buffer(maxsize, flow_control=self.flow_control, clear_on_resume=clear_on_resume)


class _Worker(faust.Worker):
    """Faust's worker, but for two things.

    It sets up the log of the process, which has one. And told to stop, it waits for what its streams hold, which may
    be for ever.
    """

    def _setup_logging(self) -> None:
        """Leave the log as it is."""

    def _schedule_shutdown(self, signal: Any) -> None:
        timer = threading.Timer(STOP_SECONDS, _give_up)
        timer.daemon = True
        timer.start()
        super()._schedule_shutdown(signal)


def run(app: faust.App, pipeline: Pipeline) -> NoReturn:
    """Run the worker until SIGTERM or Ctrl-C, then end the process; what was confirmed by then is acknowledged.

    What is still being written after STOP_SECONDS is given up: it is counted again, by whoever gets its partition.
    """
    end_with_threads(lambda: app.should_stop)
    worker = _Worker(app, loglevel=None, quiet=True, redirect_stdouts=False)
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    except SystemExit as done:
        if done.code:
            end_process(app.crash_reason or done)
        pipeline.close(STOP_SECONDS)
    except BaseException as error:
        end_process(error)
    # A thread may still be waiting for a database that is away, and would be waited for.
    end(0)


def calm_collector() -> None:
    """Leave garbage to reference counts, and collect cycles now and then: counting makes none.

    The collector would go over every object of a batch, hundreds for each event, in vain.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


def _give_up() -> NoReturn:
    log.warning("stopped with batches that are not confirmed after %.0f s: they are counted again", STOP_SECONDS)
    end(0)


async def _watching(app: faust.App, topic: str, watch: Watch) -> None:
    """Tell the watch, as long as the app lives, that the event loop turns and where the partitions end.

    The broker is asked on the consumer's own thread; an answer that is late or none is waited for by nobody.
    """
    asking: asyncio.Future[Any] | None = None
    ask_at = 0.0
    collect_at = 0.0
    while not app.should_stop:
        watch.beat()
        now = time.monotonic()
        if now >= collect_at:
            gc.collect()
            collect_at = now + _COLLECT_SECONDS
        if asking is not None and asking.done():
            if not asking.cancelled() and asking.exception() is None:
                ends, stable, committed = asking.result()
                watch.ends(ends, stable)
                watch.committed(committed)
            asking = None
        if asking is None and now >= ask_at:
            thread = cast(Any, app.consumer)._thread
            asked = asyncio.wait_for(_ask(thread._consumer, topic, watch.uncommitted()), ENDS_SECONDS * 2)
            asking = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asked, thread.thread_loop))
            ask_at = now + ENDS_SECONDS
        await asyncio.sleep(BEAT_SECONDS)


async def _ask(
    consumer: Any, topic: str, uncommitted: Sequence[int]
) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """Where the owned partitions end, up to where they can be read, and where those of `uncommitted` go on."""
    owned = [each for each in consumer.assignment() if each.topic == topic]
    # A worker without partitions asks something else: what matters then is that there is an answer.
    found = await consumer.end_offsets(owned) if owned else await consumer.topics() and {}
    # Of committed records: the end is that of the last fetch, which an open transaction does not hold up.
    stable = {each.partition: offset for each, offset in found.items()}
    committed, ends = {}, {}
    for each, offset in found.items():
        ends[each.partition] = max(offset, consumer.highwater(each) or 0)
        if each.partition in uncommitted:
            committed[each.partition] = await consumer.committed(each) or 0
    return ends, stable, committed


async def _acknowledge(stream: Any, events: Sequence[Any], confirmed: Awaitable[None]) -> None:
    async with Deadly():
        await confirmed
        for event in events:
            await stream.ack(event)


_tasks: set[asyncio.Task[None]] = set()


def _watched(work: Any) -> None:
    """Run it beside, and keep a reference: the loop itself would let it be collected."""
    task = asyncio.ensure_future(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _credentials(kafka: KafkaConnection) -> Any:
    context = ssl.create_default_context(cafile=kafka.ca_file or None) if kafka.security.endswith("SSL") else None
    if kafka.security.startswith("SASL"):
        return faust.SASLCredentials(
            username=kafka.user, password=kafka.password.reveal(), mechanism=kafka.mechanism, ssl_context=context
        )
    return faust.SSLCredentials(context) if context else None
