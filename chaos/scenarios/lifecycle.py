"""What happens to a deployment in its life: each is refused at start, and answered by one command."""

import shutil
import subprocess
import sys
import time

from kafka.admin import NewPartitions

from chaos.deployment import City
from chaos.run_scale import Scale
from schemas.profile import Profile
from schemas.topics import EVENTS
from streams.broker import topics
from streams.storage.clickhouse import connect


def backup_restored(city: City, scale: Scale) -> int:
    """ClickHouse is put back to a former state, while the group's offsets are of a later one."""
    city.send(scale.slice)
    city.await_counted()
    data, backup = city.data / "clickhouse", city.data / "backup"
    city.platform.close()
    shutil.copytree(data, backup, symlinks=True)
    city.restart(2)
    city.send(scale.slice)
    city.await_counted()
    city.platform.close()
    shutil.rmtree(data)
    backup.rename(data)
    city.restart(0)
    assert "dossier rewind" in city.run("work", code=4)
    city.run("rewind")
    city.restart(2)
    return 1


def topic_recreated(city: City, scale: Scale) -> int:
    """The events topic is deleted and made anew: what it held is in the raw events alone."""
    city.send(scale.slice)
    city.await_counted()
    city.restart(0)
    with topics.admin(city.kafka) as client:
        client.delete_topics([EVENTS])
        city.await_true(lambda: not topics.find(client, [EVENTS]), "the topic to be gone")
    city.run("migrate", code=4)
    assert "dossier rebuild" in city.run("work", code=4)
    city.run("rebuild")
    city.restart(2)
    city.send(scale.slice)
    return 1


def partitions_added(city: City, scale: Scale) -> int:
    """Partitions are added under running workers: events go where the workers do not expect them, and are put aside."""
    city.send(scale.slice)
    with topics.admin(city.kafka) as client:
        client.create_partitions({EVENTS: NewPartitions(city.partitions + 4)})
    city.partitions += 4
    city.send(scale.slice)
    city.restart(0)
    assert "dossier rebuild" in city.run("work", code=4)
    city.run("rebuild")
    city.restart(2)
    city.await_counted()
    city.run("dead-letters", "replay", "--reason", "misplaced")
    city.send(scale.slice)
    return 1


def rules_changed(city: City, scale: Scale) -> int:
    """Terms are compared by date from one day on: what was counted by instant is counted anew."""
    city.send(scale.slice)
    city.await_counted()
    (city.data / "profile.toml").write_text('terms = "date"\n')
    city.restart(0)
    assert "dossier rebuild" in city.run("work", code=4)
    city.run("rebuild")
    city.profile = Profile(terms="date")
    city.restart(2)
    city.send(scale.slice)
    return 1


def rebuild_killed(city: City, scale: Scale) -> int:
    """Counts that somebody ruined are made anew, by a rebuild that is killed again and again on its way."""
    city.send(scale.slice)
    city.await_counted()
    client = connect(city.clickhouse)
    client.execute("INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, received + 1 AS received) FROM windows FINAL")
    client.disconnect()
    city.restart(0)
    for source in ("events", "topic"):
        for _ in range(scale.crashes):
            rebuild = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "rebuild", "--from", source],
                env=city.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(city.random.uniform(1, 5))
            rebuild.kill()
            rebuild.wait()
        city.run("rebuild", "--from", source)
    city.restart(2)
    city.send(scale.slice)
    return 2 * scale.crashes
