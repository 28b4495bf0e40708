"""`dossier work`: one worker that counts."""

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
@click.option("--name", help="The worker's own name in the group, kept over restarts.  [default: host and process id]")
@click.option(
    "--metrics",
    type=Address(),
    help="Serve /metrics, /health and /ready here.  [default: DOSSIER_METRICS, else nowhere]",
)
@click.pass_obj
def command(settings: Settings, name: str | None, metrics: tuple[str, int] | None) -> None:
    """Count events until stopped.

    Run as many workers as there are partitions at most: they share the partitions, and adding or stopping one loses
    nothing. Ends with a reason and a code other than 0 when it must not go on; run it under a supervisor.
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
        # From here on it is a service with a log; until now what is wrong is one line for a person.
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
