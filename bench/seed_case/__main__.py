"""`python -m bench.seed_case`: the events of the seed case on standard output, or on a topic."""

import os
import sys

import click
import msgspec

from bench.seed_case.case_lives import DOSSIERS
from bench.seed_case.history import history
from bench.seed_case.publishing import publish
from cli.options import Address
from cli.settings import Settings
from cli.signals import stop_signals


@click.command()
@click.option("--dossiers", type=click.IntRange(1), default=DOSSIERS, show_default=True, help="Everything scales.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same events.")
@click.option("--publish", "kafka", type=Address(), help="Publish to this Kafka, and print as JSON what that took.")
def main(dossiers: int, seed: int, kafka: tuple[str, int] | None) -> None:
    """Write the events of the seed case, a line of JSON each, in the order in which they arrive."""
    with stop_signals(lambda: None, lambda: None):
        if kafka is None:
            sys.stdout.buffer.writelines(line + b"\n" for line in history(seed, dossiers))
        else:
            host, port = kafka
            settings = Settings.from_env({**os.environ, "DOSSIER_KAFKA": f"{host}:{port}"})
            click.echo(msgspec.json.encode(publish(settings.kafka, seed, dossiers)))


if __name__ == "__main__":
    main()
