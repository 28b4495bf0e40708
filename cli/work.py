"""`dossier work`: one worker, which counts events."""

import os
import socket
from contextlib import ExitStack
from importlib.metadata import version

import click

from cli.logs import configure
from cli.migrate import plan_of
from cli.options import Address
from cli.settings import Settings
from streams.alerts.log import AlertLog
from streams.alerts.watcher import Alerting, LateDossiers
from streams.counting.batch import Counting
from streams.counting.dead_letter_limit import Limit
from streams.dead_letters.topic import DeadLetterTopic
from streams.http.server import json_page, metrics_page, served
from streams.storage.clickhouse import ClickHouseStore
from streams.storage.migration import identify
from streams.storage.offsets import require_agreement
from streams.worker.heartbeat import pulsing
from streams.worker.instrumented import ObservedDeadLetters, ObservedStore
from streams.worker.pipeline import Pipeline
from streams.worker.telemetry import Watch
from streams.worker.worker import Pace, calm_collector, make_app, run


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
    identity = identify(plan_of(settings))
    require_agreement(settings.kafka, settings.clickhouse)
    watch = Watch(settings.stall_seconds)
    watch.built(version("dossier-stream"), identity)
    pages = {
        "/metrics": metrics_page(watch.page),
        "/health": json_page(lambda: ((health := watch.health()).live, health)),
        "/ready": json_page(lambda: ((health := watch.health()).ready, health)),
    }
    with ExitStack() as stack:
        if address := metrics or settings.metrics:
            stack.enter_context(served(address, "--metrics" if metrics else "DOSSIER_METRICS", pages))
        # From here on this is a service with a log; errors before are one line for a person.
        configure(settings.log)
        store = ObservedStore(ClickHouseStore(settings.clickhouse, patient=True, on_retry=watch.retried), watch)
        counting = Counting(
            identity,
            store,
            dossiers=settings.cache_dossiers,
            windows=settings.cache_dossiers // 2,
            flood=Limit(settings.dead_lines, settings.dead_ratio),
        )
        dead = ObservedDeadLetters(DeadLetterTopic(settings.kafka), watch)
        pipeline = Pipeline(counting, store, dead, watch=watch)
        pace = Pace(settings.batch_records, settings.batch_seconds)
        calm_collector()
        own = name or f"{socket.gethostname()}-{os.getpid()}"
        alerting = Alerting(
            lambda: AlertLog(settings.kafka, settings.clickhouse, settings.alert_key),
            lambda: LateDossiers(settings.kafka, settings.clickhouse, identity.profile, settings.alert_levels),
            watch.looked,
        )
        owns_first = alerting.own if settings.alert_levels else lambda _: None
        stack.enter_context(pulsing(settings.clickhouse, lambda: watch.pulse(own)))
        run(make_app(settings.kafka, identity.topic, pipeline, pace, own, owns_first), pipeline)
