"""Disks that fill up under a server, and are made free again."""

import time

from chaos.deployment import City
from chaos.run_scale import Scale


def clickhouse_disk_full(city: City, scale: Scale) -> int:
    """ClickHouse has no room for what is sent."""
    city.send(scale.slice)
    city.await_counted()
    with city.volumes["clickhouse"].filled():
        city.send(10 * scale.slice)
        time.sleep(scale.outage_seconds / 2)
        assert not city.is_counted(), "the disk was not full"
    city.await_counted()
    return 1


def kafka_disk_full(city: City, scale: Scale) -> int:
    """Kafka has no room for what is sent, and goes down over it; the publisher sends again what was not confirmed."""
    city.send(scale.slice)
    city.await_counted()
    with city.volumes["kafka"].filled():
        undelivered = city.next_events(10 * scale.slice)
        assert not city.is_delivered(undelivered, patience=10), "the disk was not full"
        time.sleep(scale.outage_seconds / 2)
    city.await_recovered()
    city.publish(undelivered)
    return 1
