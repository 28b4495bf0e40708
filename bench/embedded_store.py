"""An embedded ClickHouse of its own, for benchmarks that need no Kafka."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from cli.signals import stop_signals
from deploy.embedded.platform import Options, Platform
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import Profile
from streams.storage.deployment_plan import Plan
from streams.storage.table_migration import make_tables

PARTITIONS = 8


class EmbeddedStore(NamedTuple):
    """A migrated, empty database, and the server's process."""

    clickhouse: ClickHouseConnection
    server: psutil.Process


@contextmanager
def embedded_store(folder: Path) -> Iterator[EmbeddedStore]:
    """Run ClickHouse in this folder, which is made anew, and removed afterwards; a signal ends the block in order."""
    with stop_signals(lambda: None, lambda: None), ExitStack() as stack:
        shutil.rmtree(folder, ignore_errors=True)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        platform = stack.enter_context(Platform(folder, Options(kafka=False)))
        clickhouse = platform.clickhouse_access
        plan = Plan(KafkaConnection("none:1"), clickhouse, Profile(), PARTITIONS, replication=1, replicated=False)
        make_tables(plan, lambda _: None, dry_run=False)
        (server,) = (psutil.Process(each.pid) for each in platform.state.processes if each.name == "clickhouse")
        yield EmbeddedStore(clickhouse, server)
