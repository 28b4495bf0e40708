"""The worker: a thin Faust agent that hands batches of records to the pipeline and acknowledges what is confirmed.

Faust restarts an agent that raised, which would then skip to later offsets. So every failure around a batch ends the
process instead, with nothing of the batch acknowledged; a supervisor restarts it, and the records come again.
"""

import asyncio
import gc
import logging
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import faust
from msgspec import Struct

from schemas.connection import KafkaConnection
from streams.broker.group import GROUP, SESSION_SECONDS
from streams.worker.buffer import Buffer, bounded
from streams.worker.consumer import NO_RESET, CommittedTransport, record_of
from streams.worker.event_loop import report_to_telemetry
from streams.worker.exit import ExitOnError, end, end_process, end_when_a_thread_fails
from streams.worker.pipeline import Pipeline

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
_FLUSH_DUE_SECONDS = 0.02
"""How often is asked what is due: a flush may be late by this."""
_FOREVER_SECONDS = 10 * 365 * 86400.0


class BatchLimits(Struct, frozen=True):
    """The most Kafka records of a batch, and how long it waits for them."""

    records: int
    seconds: float


def make_app(
    kafka: KafkaConnection,
    topic: str,
    pipeline: Pipeline,
    limits: BatchLimits,
    name: str,
    on_leader_change: Callable[[bool], None] = lambda _: None,
) -> faust.App:
    """The Faust app of one worker; `name` is its identity in the group and must be its own.

    `on_leader_change` is told whether this worker is the leader, which is the one that owns partition 0: it does what
    exactly one worker must do.
    """
    app = _App(
        GROUP,
        broker=[f"kafka://{address}" for address in kafka.bootstrap.split(",")],
        broker_credentials=_credentials(kafka),
        consumer_group_instance_id=name,
        consumer_auto_offset_reset=NO_RESET,
        # A dead worker must be noticed soon, and a slow database must never look like a dead worker.
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=SESSION_SECONDS / 4,
        broker_commit_interval=1,
        # Heartbeats and our own health show who is alive. Otherwise a member that fetches nothing, since a database is
        # away and its buffer is full, would leave the group and not rejoin it before it fetches again.
        broker_max_poll_interval=_FOREVER_SECONDS,
        # These two only log a slow stream, a page for each partition every few seconds.
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
    app.drain = pipeline.drain
    records = app.topic(topic, key_serializer="raw", value_serializer="raw")

    @app.agent(records, concurrency=1, name="counting")
    async def counting(stream: Any) -> None:
        counting_thread = ThreadPoolExecutor(1, "count")
        async with ExitOnError():
            async for events in stream.noack_take(limits.records, within=limits.seconds):
                for part in bounded(events):
                    batch = [record_of(event.message) for event in part]
                    confirmed = await asyncio.get_running_loop().run_in_executor(counting_thread, pipeline.take, batch)
                    _in_background(_acknowledge(stream, part, asyncio.wrap_future(confirmed)))

    @app.on_partitions_revoked.connect  # type: ignore[arg-type]  # its protocol gives its arguments other names
    async def revoked(_app: object, partitions: set[Any], **_: object) -> None:
        pipeline.revoke({partition.partition for partition in partitions if partition.topic == topic})
        pipeline.telemetry.revoked()
        on_leader_change(False)
        log.info("the group is rebalanced")

    @app.on_partitions_assigned.connect  # type: ignore[arg-type]  # as above
    async def assigned(_app: object, partitions: set[Any], **_: object) -> None:
        own = {partition.partition for partition in partitions if partition.topic == topic}
        pipeline.drain(on=False)
        pipeline.telemetry.assigned(own)
        on_leader_change(0 in own)
        log.info("partitions are assigned", extra={"partitions": ",".join(map(str, sorted(own)))})

    @app.task  # type: ignore[untyped-decorator]  # theirs
    async def flushing() -> None:
        async with ExitOnError():
            while True:
                await asyncio.sleep(_FLUSH_DUE_SECONDS)
                pipeline.flush_due()

    @app.task  # type: ignore[untyped-decorator]  # theirs
    async def event_loop() -> None:
        async with ExitOnError():
            await report_to_telemetry(app, topic, pipeline.telemetry)

    return app


class _App(faust.App):
    """Faust's app, with three differences; `drain` lets everything be written at once.

    Its consumer is ours, the buffer of a stream is bounded in bytes, too, and a crash of any of its services, in any
    thread, ends the process.
    """

    drain: Callable[[], None]

    def _new_transport(self) -> Any:
        return CommittedTransport(self.conf.broker_consumer, self)

    def _crash(self, reason: BaseException) -> None:
        # A rebalance cancels reads, which is no failure; nor is an error while everything is stopping.
        if self.should_stop or isinstance(reason, asyncio.CancelledError):
            super()._crash(reason)
        else:
            end_process(reason)

    def FlowControlQueue(self, maxsize: int | None = None, *, clear_on_resume: bool = False) -> Buffer:  # noqa: N802
        return Buffer(maxsize, flow_control=self.flow_control, clear_on_resume=clear_on_resume)


class _Worker(faust.Worker):
    """Faust's worker, with two differences.

    It leaves the process's own logging as it is. And a stop is limited in time: Faust waits for what its streams hold,
    which may be for ever.
    """

    def _setup_logging(self) -> None:
        """Do nothing: the process has its log."""

    def _schedule_shutdown(self, signal: Any) -> None:
        timer = threading.Timer(STOP_SECONDS, _give_up)
        timer.daemon = True
        timer.start()
        super()._schedule_shutdown(signal)


def run(app: faust.App, pipeline: Pipeline) -> NoReturn:
    """Run the worker until SIGTERM or Ctrl-C, then end the process; what is confirmed by then is acknowledged.

    A batch that is still being written after STOP_SECONDS is given up: the next owner of its partition counts it again.
    """
    end_when_a_thread_fails(lambda: app.should_stop)
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
    # A thread may still be waiting for a database that is away, and Python would wait for that thread.
    end(0)


def tune_gc() -> None:
    """Turn the cycle collector off, as counting makes no cycles; the worker collects once a minute.

    The collector would otherwise visit every object of a batch, hundreds for each event, for nothing.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


def _give_up() -> NoReturn:
    log.warning("stopped while batches were not confirmed after %.0f s: they will be counted again", STOP_SECONDS)
    end(0)


async def _acknowledge(stream: Any, events: Sequence[Any], confirmed: Awaitable[None]) -> None:
    async with ExitOnError():
        await confirmed
        for event in events:
            await stream.ack(event)


_tasks: set[asyncio.Task[None]] = set()


def _in_background(work: Any) -> None:
    """Run it as a task, and keep a reference: the event loop alone would not keep it from being collected."""
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
