"""Disks that fill up under a server, and are made free again."""

import time

from chaos.deployment import Deployment
from chaos.run_scale import Scale


def clickhouse_disk_full(deployment: Deployment, scale: Scale) -> int:
    """ClickHouse has no room for what is sent."""
    deployment.send(scale.slice)
    deployment.await_counted()
    with deployment.disks["clickhouse"].filled():
        deployment.send(10 * scale.slice)
        time.sleep(scale.outage_seconds / 2)
        assert not deployment.is_counted(), "the disk was not full"
    deployment.await_counted()
    return 1


def kafka_disk_full(deployment: Deployment, scale: Scale) -> int:
    """Kafka has no room for what is sent, and goes down over it; the publisher sends again what was not confirmed."""
    deployment.send(scale.slice)
    deployment.await_counted()
    with deployment.disks["kafka"].filled():
        undelivered = deployment.next_events(10 * scale.slice)
        assert not deployment.is_delivered(undelivered, patience=10), "the disk was not full"
        time.sleep(scale.outage_seconds / 2)
    deployment.await_recovered()
    deployment.publish(undelivered)
    return 1
