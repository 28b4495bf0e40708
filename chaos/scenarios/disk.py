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
    # A roll-up whose definition found no room is made anew: it holds nothing of its own.
    deployment.run("migrate")
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


def state_disk_full(deployment: Deployment, scale: Scale) -> int:
    """The workers have no room for local state: they ask ClickHouse, and use it again when they start anew."""
    deployment.send(scale.slice)
    deployment.await_counted()

    def is_noticed() -> bool:
        # There is room until the files are full that were allocated before.
        deployment.send(4 * scale.slice)
        logs = [(deployment.data / "logs" / f"worker-{number}.log").read_text() for number in (1, 2)]
        return any("local state cannot be used" in log for log in logs)

    with deployment.disks["state"].filled():
        deployment.await_true(is_noticed, "a worker to have no room for local state")
        deployment.await_counted()
    deployment.send(scale.slice)
    deployment.kill(deployment.a_worker())
    return 1
