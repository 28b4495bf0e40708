"""Connections that are cut, slow or dead, and a database that is unreachable for a long time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from chaos.deployment import Deployment
from chaos.run_scale import Scale
from streams.broker.group import members

_MEMORY_LIMIT = 1 << 30
"""What a worker may take at most while it waits; its stream buffer is bounded."""


def inserts_cut(deployment: Deployment, scale: Scale) -> int:
    """The connection is cut when ClickHouse has applied an insert, before the worker hears of it."""
    for _ in range(scale.cuts):
        with deployment.insert_faults.intercept("applied", lambda: True) as acted:
            deployment.send(scale.slice // 4)
            deployment.await_true(acted.is_set, "an insert to be applied")
        if deployment.random.random() < 0.3:
            deployment.kill(deployment.a_worker())
            deployment.await_recovered()
    return scale.cuts


def clickhouse_slow(deployment: Deployment, scale: Scale) -> int:
    """Everything to ClickHouse is late, more and more."""
    delays = (0.05, 0.2, 0.5)
    for delay in delays:
        deployment.insert_faults.delay = delay
        deployment.send(scale.slice)
        time.sleep(2)
    deployment.insert_faults.delay = 0.0
    return len(delays)


def clickhouse_hung(deployment: Deployment, scale: Scale) -> int:
    """ClickHouse accepts connections and does not answer, for longer than the driver and the group are patient."""
    deployment.send(scale.slice)
    with _waiting(deployment, scale):
        server = deployment.process("clickhouse")
        server.suspend()
        deployment.send(scale.slice)
        time.sleep(scale.outage_seconds)
        server.resume()
    return 1


def clickhouse_away(deployment: Deployment, scale: Scale) -> int:
    """Nobody listens where ClickHouse was, while more is sent than workers may hold in memory."""
    deployment.send(scale.slice)
    with _waiting(deployment, scale):
        deployment.insert_faults.is_away = True
        for _ in range(10):
            deployment.send(scale.slice)
            time.sleep(scale.outage_seconds / 10)
        deployment.insert_faults.is_away = False
    return 1


@contextmanager
def _waiting(deployment: Deployment, scale: Scale) -> Iterator[None]:
    """Workers wait it out as members of their group, with bounded memory, and go on by themselves."""
    deployment.await_counted()
    before = {each.name: each.pid for each in deployment.platform.state.processes}
    group = members(deployment.kafka)
    yield
    assert members(deployment.kafka) == group
    assert {each.name: each.pid for each in deployment.platform.state.processes} == before, (
        "a process was started again"
    )
    for name in group:
        taken = deployment.process(name).memory_info().rss
        assert taken < _MEMORY_LIMIT, f"{name} takes {taken >> 20} MiB after {scale.outage_seconds} s"
