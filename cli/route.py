"""`dossier route`: records of the inbox, or of another topic, become events."""

import os
import socket
from contextlib import ExitStack

import click

from cli.logs import configure
from cli.options import Address
from cli.settings import Settings
from cli.signals import Stop
from connectors.inbox.event_record import events_of_record
from schemas.topics import INBOX
from streams.broker import topics
from streams.errors import NotMigrated
from streams.http.server import json_page, metrics_page, served
from streams.routing.router import into_clickhouse, route
from streams.routing.session import Session
from streams.routing.telemetry import RouterTelemetry


@click.command("route")
@click.option("--name", help="Name of this router; give the same one after a restart.  [default: host and process id]")
@click.option(
    "--metrics",
    type=Address(),
    help="Serve /metrics, /health and /ready here.  [default: DOSSIER_METRICS, else nowhere]",
)
@click.pass_obj
def command(settings: Settings, name: str | None, metrics: tuple[str, int] | None) -> None:
    """Move events from dossier-inbox to dossier-events, each exactly once, until stopped.

    The inbox takes events by any key and any partitioner: one event, an array or an envelope a record. What is no event
    becomes a dead letter. `dossier up` runs one router; several share the partitions.

    Exit codes: 0 stopped, 2 not migrated, 3 Kafka is away, 4 records are lost or unreadable, or another router has
    this name.
    """
    topic = INBOX
    own = name or f"{socket.gethostname()}-{os.getpid()}"
    with topics.admin(settings.kafka) as client:
        if topic not in topics.find(client, [topic]):
            raise NotMigrated(f"Kafka at {settings.kafka.bootstrap} has no topic {topic}: run `dossier migrate`")
    put_aside = into_clickhouse(settings.clickhouse)
    telemetry = RouterTelemetry()
    pages = {
        "/metrics": metrics_page(telemetry.page),
        "/health": json_page(lambda: ((health := telemetry.health()).live, health)),
        "/ready": json_page(lambda: ((health := telemetry.health()).ready, health)),
    }
    with ExitStack() as stack:
        if address := metrics or settings.metrics:
            stack.enter_context(served(address, "--metrics" if metrics else "DOSSIER_METRICS", pages))
        configure(settings.log)
        stop = stack.enter_context(Stop())
        route(
            lambda: Session(settings.kafka, topic, own, events_of_record, put_aside),
            lambda: stop.signal is not None,
            telemetry,
        )
