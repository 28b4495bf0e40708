"""`dossier work`: one worker that counts."""

import logging
import os
import socket

import click

from cli.migrating import plan_of
from cli.settings import Settings
from streams.batch import Counting
from streams.clickhouse import ClickHouseStore
from streams.deadletters import DeadLetterTopic
from streams.flood import Limit
from streams.migration import identify
from streams.pipeline import Pipeline
from streams.worker import Pace, make_app, run


@click.command("work", short_help="Run one worker that counts events.")
@click.option("--name", help="The worker's own name in the group, kept over restarts.  [default: host and process id]")
@click.pass_obj
def work(settings: Settings, name: str | None) -> None:
    """Count events until stopped.

    Run as many workers as there are partitions at most: they share the partitions, and adding or stopping one loses
    nothing. Ends with a reason and a code other than 0 when it must not go on; run it under a supervisor.
    """
    identity = identify(plan_of(settings))
    # From here on it is a service with a log; until now what is wrong is one line for a person.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    # What the driver tells with tracebacks, the store says in a line.
    for chatty, level in {"aiokafka": "WARNING", "kafka": "WARNING", "clickhouse_driver": "ERROR"}.items():
        logging.getLogger(chatty).setLevel(level)
    store = ClickHouseStore(settings.clickhouse, patient=True)
    counting = Counting(
        identity,
        store,
        dossiers=settings.cache_dossiers,
        windows=settings.cache_dossiers,
        flood=Limit(settings.dead_lines, settings.dead_ratio),
    )
    pipeline = Pipeline(counting, store, DeadLetterTopic(settings.kafka))
    pace = Pace(settings.batch_records, settings.batch_seconds)
    run(
        make_app(settings.kafka, identity.topic, pipeline, pace, name or f"{socket.gethostname()}-{os.getpid()}"),
        pipeline,
    )
