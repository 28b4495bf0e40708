"""Connections that are cut, slow, or dead, and a database that is away for long."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from chaos.deployment import City
from chaos.run_scale import Scale
from streams.broker.group import members

_MEMORY_LIMIT = 1 << 30
"""What a worker may take at most while it waits; its stream buffer is bounded."""


def inserts_cut(city: City, scale: Scale) -> int:
    """The connection is cut when ClickHouse has applied an insert, before the worker hears of it."""
    for _ in range(scale.cuts):
        with city.inserts.ambush("applied", lambda: True) as sprung:
            city.send(scale.slice // 4)
            city.await_true(sprung.is_set, "an insert to be applied")
        if city.random.random() < 0.3:
            city.kill(city.a_worker())
            city.await_recovered()
    return scale.cuts


def clickhouse_slow(city: City, scale: Scale) -> int:
    """Everything to ClickHouse is late, more and more."""
    delays = (0.05, 0.2, 0.5)
    for delay in delays:
        city.inserts.delay = delay
        city.send(scale.slice)
        time.sleep(2)
    city.inserts.delay = 0.0
    return len(delays)


def clickhouse_hung(city: City, scale: Scale) -> int:
    """ClickHouse accepts connections and does not answer, for longer than the driver and the group are patient."""
    city.send(scale.slice)
    with _waiting(city, scale):
        server = city.process("clickhouse")
        server.suspend()
        city.send(scale.slice)
        time.sleep(scale.outage_seconds)
        server.resume()
    return 1


def clickhouse_away(city: City, scale: Scale) -> int:
    """Nobody listens where ClickHouse was, while more is sent than workers may hold in memory."""
    city.send(scale.slice)
    with _waiting(city, scale):
        city.inserts.is_away = True
        for _ in range(10):
            city.send(scale.slice)
            time.sleep(scale.outage_seconds / 10)
        city.inserts.is_away = False
    return 1


@contextmanager
def _waiting(city: City, scale: Scale) -> Iterator[None]:
    """Workers wait it out as members of their group, with bounded memory, and go on by themselves."""
    city.await_counted()
    before = {each.name: each.pid for each in city.platform.state.processes}
    group = members(city.kafka)
    yield
    assert members(city.kafka) == group
    assert {each.name: each.pid for each in city.platform.state.processes} == before, "a process was started again"
    for name in group:
        taken = city.process(name).memory_info().rss
        assert taken < _MEMORY_LIMIT, f"{name} takes {taken >> 20} MiB after {scale.outage_seconds} s"
