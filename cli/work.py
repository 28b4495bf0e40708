"""`dossier work`: one worker, which counts events."""

import os
import socket
from contextlib import ExitStack, closing
from importlib.metadata import version

import click
from msgspec import structs

from cli.logs import configure
from cli.migrate import plan_of
from cli.options import Address
from cli.settings import Settings
from streams.alerts.log import AlertLog
from streams.alerts.scanner import AlertingThread, OverdueScanner
from streams.counting.batch_counting import Counting
from streams.counting.dead_letter_limit import DeadLetterLimit
from streams.dead_letters.topic import DeadLetterTopic
from streams.http.server import json_page, metrics_page, served
from streams.storage.clickhouse_store import ClickHouseStore
from streams.storage.migration import identify
from streams.storage.offset_agreement import require_agreement
from streams.storage.state_folder import StateFolder, counts_origin
from streams.worker.cadence import Cadence
from streams.worker.heartbeat_row import heartbeats
from streams.worker.instrumented_store import InstrumentedDeadLetters, InstrumentedStore
from streams.worker.pinned_ruling import PinnedRuling
from streams.worker.pipeline import Pipeline
from streams.worker.ruling_watch import RulingWatch
from streams.worker.state_restoring import restored
from streams.worker.telemetry import Telemetry
from streams.worker.worker import BatchLimits, make_app, run, tune_gc


@click.command("work")
@click.option(
    "--name", help="Name in the consumer group; give the same one after a restart.  [default: host and process id]"
)
@click.option(
    "--metrics",
    type=Address(),
    help="Serve /metrics, /health and /ready here.  [default: DOSSIER_METRICS, else nowhere]",
)
@click.pass_obj
def command(settings: Settings, name: str | None, metrics: tuple[str, int] | None) -> None:
    """Count events until stopped.

    Workers share the partitions, so run at most as many as there are. Starting or stopping one loses nothing. Run each
    under a supervisor: a worker that must not go on ends with a reason.

    Exit codes: 0 stopped, 2 the database is not migrated, 3 Kafka or ClickHouse is away, 4 the counts, the topic or the
    rules do not agree, 1 other errors.
    """
    plan = plan_of(settings)
    identity = identify(plan)
    require_agreement(settings.kafka, settings.clickhouse)
    telemetry = Telemetry(settings.stall_seconds)
    watch = RulingWatch(settings.clickhouse, identity.profile, identity.epoch, telemetry)
    identity = structs.replace(identity, ruling=watch.first())
    telemetry.built(version("dossier-stream"), identity)
    pages = {
        "/metrics": metrics_page(telemetry.page),
        "/health": json_page(lambda: ((health := telemetry.health()).live, health)),
        "/ready": json_page(lambda: ((health := telemetry.health()).ready, health)),
    }
    with ExitStack() as stack:
        if address := metrics or settings.metrics:
            stack.enter_context(served(address, "--metrics" if metrics else "DOSSIER_METRICS", pages))
        stack.enter_context(closing(watch))
        # From here on this is a service with a log; errors before are one line for a person.
        configure(settings.log)
        own = name or f"{socket.gethostname()}-{os.getpid()}"
        local = None
        if settings.state:
            folder = StateFolder(settings.state, name, counts_origin(plan, identity))
            restoring = ClickHouseStore(settings.clickhouse, patient=True)
            local = stack.enter_context(restored(folder, restoring, identity.topic, telemetry))
        store = InstrumentedStore(
            ClickHouseStore(settings.clickhouse, patient=True, on_retry=telemetry.operation_retried), telemetry
        )
        counting = Counting(
            identity,
            store,
            dossiers=settings.cache_dossiers,
            windows=settings.cache_dossiers // 2,
            dead_letter_limit=DeadLetterLimit(settings.dead_lines, settings.dead_ratio),
            local=local,
        )
        dead_letters = InstrumentedDeadLetters(DeadLetterTopic(settings.kafka), telemetry)
        pipeline = Pipeline(
            counting,
            store,
            dead_letters,
            telemetry=telemetry,
            cadence=Cadence(settings.windows_seconds, settings.flush_seconds),
            enter=local.enter if local else None,
            watch=watch,
        )
        limits = BatchLimits(settings.batch_records, settings.batch_seconds)
        tune_gc()
        profile = identity.profile
        pinned = PinnedRuling(settings.clickhouse, profile, identity.epoch)
        alerting = AlertingThread(
            lambda: AlertLog(settings.kafka, settings.clickhouse, settings.alert_key),
            lambda: OverdueScanner(settings.kafka, settings.clickhouse, profile, settings.alert_levels, pinned),
            telemetry.scanned,
        )
        on_leader_change = alerting.set_leader if settings.alert_levels else lambda _: None
        stack.enter_context(heartbeats(settings.clickhouse, lambda: telemetry.heartbeat(own)))
        run(make_app(settings.kafka, identity.topic, pipeline, limits, own, on_leader_change), pipeline)
