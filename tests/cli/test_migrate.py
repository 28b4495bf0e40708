"""`dossier migrate` says what it does, does it once, and leaves what differs."""

import os
import subprocess
import sys

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.ddl import Script, dictionaries, migrations, views
from schemas.deployment_profile import Profile
from schemas.topics import ALERTS
from streams.storage.clickhouse_client import connect
from tests.cli.commands import Run, environment

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]


def scripts(database: str) -> list[Script]:
    return [*migrations(replicated=False), *dictionaries(Profile(), database), *views(Profile())]


def databases(server: ClickHouseConnection) -> set[str]:
    client = connect(structs.replace(server, database=""))
    found = {name for (name,) in client.execute("SHOW DATABASES")}
    client.disconnect()
    return found


def test_a_second_migration_has_nothing_to_do(dossier: Run, deployed: dict[str, str]) -> None:
    fresh = deployed | {"database": "test_migrating"}
    first = dossier("migrate", **fresh)
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines() == [
        "create database test_migrating",
        *(f"apply {script.name}" for script in scripts("test_migrating")),
        "deployment: dossier-events, 8 partitions, rules v3 terms=instant time_zone=Asia/Ho_Chi_Minh",
    ]
    second = dossier("migrate", **fresh)
    assert second == (0, "nothing to do: topics, tables and views are as declared\n", "")


def test_a_dry_run_prints_the_sql_and_does_nothing(
    dossier: Run, deployed: dict[str, str], clickhouse_server: ClickHouseConnection
) -> None:
    ended = dossier("migrate", "--dry-run", **deployed | {"database": "test_never_made"})
    assert (ended.code, ended.err) == (0, "")
    assert all(statement in ended.out for script in scripts("test_never_made") for statement in script.statements)
    assert "test_never_made" not in databases(clickhouse_server)


def test_a_reader_that_has_seen_enough_of_a_dry_run_is_no_error_of_clickhouse(deployed: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", "migrate", "--dry-run"],
            env=environment(**deployed | {"database": "test_never_made"}),
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == ""


def test_a_topic_that_differs_is_told_and_left(dossier: Run, deployed: dict[str, str], kafka: KafkaConnection) -> None:
    admin = KafkaAdminClient(**kafka.options())
    topic = ConfigResource(ConfigResourceType.TOPIC, ALERTS, configs={"retention.ms": "1000"})
    admin.alter_configs([topic])
    try:
        ended = dossier("migrate", **deployed)
        assert ended.code == 0
        assert f"differs, left as it is: {ALERTS}: retention.ms is 1000, declared is -1\n" in ended.err
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, ALERTS)])
        assert found["topic"][ALERTS]["retention.ms"]["value"] == "1000"
    finally:
        declared = ConfigResource(ConfigResourceType.TOPIC, ALERTS, configs={"retention.ms": "-1"})
        admin.alter_configs([declared])
        admin.close()
