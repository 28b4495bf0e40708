"""`dossier route`: records of the inbox, or of another topic, become events."""

import os
import re
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from cli.logs import configure
from cli.options import Address
from cli.settings import Settings
from cli.signals import Stop
from connectors.files.mapping_file import load_mapping
from connectors.inbox.event_record import events_of_record
from connectors.inbox.mapped_record import MappedRecords
from schemas.topics import INBOX, declared
from streams.broker import topics
from streams.errors import NotMigrated
from streams.http.server import json_page, metrics_page, served
from streams.routing.router import into_clickhouse, route
from streams.routing.session import Session
from streams.routing.telemetry import RouterTelemetry


class Name(click.ParamType):
    """The name of a router, which the broker uses as a name, too."""

    name = "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; raises click's usage error."""
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", value):
            self.fail(f"{value!r} is not a name of letters, digits, dots, dashes and underscores", param, ctx)
        return str(value)


@click.command("route")
@click.option("--topic", default=INBOX, show_default=True, help="Topic to route from; another one needs --mapping.")
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Mapping from foreign JSON to events (TOML).  [default: records are events]",
)
@click.option(
    "--name",
    type=Name(),
    help="Name of this router; give the same one after a restart.  [default: host and process id]",
)
@click.option(
    "--metrics",
    type=Address(),
    help="Serve /metrics, /health and /ready here.  [default: DOSSIER_METRICS, else nowhere]",
)
@click.option(
    "--accept-gap",
    is_flag=True,
    help="Where records are gone that were never routed, go on with the first that there is.",
)
@click.pass_obj
def command(
    settings: Settings,
    topic: str,
    mapping_file: Path | None,
    name: str | None,
    metrics: tuple[str, int] | None,
    accept_gap: bool,
) -> None:
    """Move events from dossier-inbox to dossier-events, each exactly once, until stopped.

    The inbox takes events by any key and any partitioner: one event, an array or an envelope a record. What is no event
    becomes a dead letter. `dossier up` runs one router; several share the partitions. With --topic and --mapping, it
    reads the JSON of another system from a topic of its own.

    Exit codes: 0 stopped, 2 not migrated or a wrong mapping, 3 Kafka is away, 4 records are lost or unreadable, or
    another router has this name.
    """
    if topic in {each.name for each in declared(1, 1)} - {INBOX}:
        raise click.BadParameter(f"{topic} is what routers and workers write", param_hint="--topic")
    if topic != INBOX and mapping_file is None:
        raise click.UsageError("--topic needs --mapping: only dossier-inbox holds events of our form")
    rule = MappedRecords(load_mapping(mapping_file)) if mapping_file else events_of_record
    own = name or re.sub(r"[^A-Za-z0-9._-]", "-", f"{socket.gethostname()}-{os.getpid()}")
    with topics.admin(settings.kafka) as client:
        if topic not in topics.find(client, [topic]):
            todo = "run `dossier migrate`" if topic == INBOX else "correct --topic, or let its system make it"
            raise NotMigrated(f"Kafka at {settings.kafka.bootstrap} has no topic {topic}: {todo}")
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
            lambda: Session(settings.kafka, topic, own, rule, put_aside, accepts_gap=accept_gap),
            lambda: stop.signal is not None,
            telemetry,
        )
