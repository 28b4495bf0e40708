"""The publisher of a command that has --dry-run."""

from collections.abc import Iterator
from contextlib import contextmanager

from cli.settings import Settings
from connectors.publishing.publisher import BULK, Publisher, connect


@contextmanager
def publisher_unless(dry_run: bool, settings: Settings) -> Iterator[Publisher | None]:
    """A publisher to the events topic, or None in a dry run, which needs no Kafka. Raises Unreachable."""
    if dry_run:
        yield None
    else:
        with connect(settings.kafka, BULK) as publisher:
            yield publisher
