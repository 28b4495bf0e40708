"""Changes in a deployment's life: workers refuse to start after each, and one command resolves it."""

import shutil
import subprocess
import sys
import time

from kafka.admin import NewPartitions

from chaos.deployment import Deployment
from chaos.run_scale import Scale
from schemas.deployment_profile import Profile
from schemas.topics import EVENTS
from streams.broker import topics
from streams.storage.clickhouse_client import connect


def backup_restored(deployment: Deployment, scale: Scale) -> int:
    """ClickHouse is put back to a former state, while the group's offsets are of a later one."""
    deployment.send(scale.slice)
    deployment.await_counted()
    data, backup = deployment.data / "clickhouse", deployment.data / "backup"
    deployment.platform.close()
    shutil.copytree(data, backup, symlinks=True)
    deployment.restart(2)
    deployment.send(scale.slice)
    deployment.await_counted()
    deployment.platform.close()
    shutil.rmtree(data)
    backup.rename(data)
    deployment.restart(0)
    assert "dossier rewind" in deployment.run("work", code=4)
    deployment.run("rewind")
    deployment.restart(2)
    return 1


def topic_recreated(deployment: Deployment, scale: Scale) -> int:
    """The events topic is deleted and made anew: what it held is in the raw events alone."""
    deployment.send(scale.slice)
    deployment.await_counted()
    deployment.restart(0)
    with topics.admin(deployment.kafka) as client:
        client.delete_topics([EVENTS])
        deployment.await_true(lambda: not topics.find(client, [EVENTS]), "the topic to be gone")
    deployment.run("migrate", code=4)
    assert "dossier rebuild" in deployment.run("work", code=4)
    deployment.run("rebuild")
    deployment.restart(2)
    deployment.send(scale.slice)
    return 1


def partitions_added(deployment: Deployment, scale: Scale) -> int:
    """Partitions are added under running workers: events go where the workers do not expect them, and are put aside."""
    deployment.send(scale.slice)
    with topics.admin(deployment.kafka) as client:
        client.create_partitions({EVENTS: NewPartitions(deployment.partitions + 4)})
    deployment.partitions += 4
    deployment.send(scale.slice)
    deployment.restart(0)
    assert "dossier rebuild" in deployment.run("work", code=4)
    deployment.run("rebuild")
    deployment.restart(2)
    deployment.await_counted()
    deployment.run("dead-letters", "replay", "--reason", "misplaced")
    deployment.send(scale.slice)
    return 1


def rules_changed(deployment: Deployment, scale: Scale) -> int:
    """Terms are compared by date from one day on: what was counted by instant is counted anew."""
    deployment.send(scale.slice)
    deployment.await_counted()
    (deployment.data / "profile.toml").write_text('terms = "date"\n')
    deployment.restart(0)
    assert "dossier rebuild" in deployment.run("work", code=4)
    deployment.run("rebuild", "--why", "terms are compared by date")
    deployment.profile = Profile(terms="date")
    deployment.restart(2)
    deployment.send(scale.slice)
    return 1


def rebuild_killed(deployment: Deployment, scale: Scale) -> int:
    """Corrupted counts are rebuilt, by a rebuild that is killed several times."""
    deployment.send(scale.slice)
    deployment.await_counted()
    client = connect(deployment.clickhouse)
    client.execute("INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, received + 1 AS received) FROM windows FINAL")
    client.disconnect()
    deployment.restart(0)
    for source in ("events", "topic"):
        for _ in range(scale.crashes):
            rebuild = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "rebuild", "--from", source],
                env=deployment.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(deployment.random.uniform(1, 5))
            rebuild.kill()
            rebuild.wait()
        deployment.run("rebuild", "--from", source)
    deployment.restart(2)
    deployment.send(scale.slice)
    return 2 * scale.crashes
