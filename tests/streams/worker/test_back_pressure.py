"""Back-pressure: services stand still for longer than anything waits, and a worker holds out, small and a member."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from clickhouse_driver import Client
from kafka import KafkaProducer
from msgspec import structs

from deploy.embedded.platform import Options, Platform
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import Profile
from schemas.partition import partition_of
from schemas.topics import EVENTS
from streams.broker.group import GROUP
from streams.broker.topics import admin
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.migration import migrate
from tests.cli.commands import environment, named

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

PARTITIONS = 2
SESSION_SECONDS = 8.0
"""On a machine that is busy with much else, a heartbeat may be late."""
LONG_SECONDS = 2 * SESSION_SECONDS
PATIENCE_SECONDS = 240
MEGABYTE = 1 << 20
RECORDS = 150
"""Of 0.9 MiB each: far more than a worker may hold."""
GROWTH = 70 * MEGABYTE

# The limits are lowered, so that minutes of a large log are seconds of a small one.
WORKER = """
import sys
from streams.storage import clickhouse_client
from streams.worker import buffer, worker
buffer.BUFFER_BYTES = 4 << 20
buffer.BATCH_BYTES = 2 << 20
clickhouse_client._TIMEOUT_SECONDS = 4
worker.SESSION_SECONDS = 8.0
from cli.main import main
main()
"""


def until(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


class Worker:
    """A worker process of the deployment, asked as a supervisor and Prometheus ask it."""

    def __init__(self, folder: Path, kafka: KafkaConnection, clickhouse: ClickHouseConnection, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self.log = folder / "worker.log"
        variables: dict[str, str | Path] = {
            **named(kafka, clickhouse),
            "data": folder,
            "metrics": self.address,
            "batch_records": "10",
        }
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WORKER, "work", "--name", "held"],
                env=environment(**variables),
                stderr=output,
            )

    def ask(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=60) as answer:  # ours
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, {}

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return self.ask("/ready")[0] == 200

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=60) as answer:  # ours
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def memory(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("held"), Options()) as platform:
        yield platform


@pytest.fixture
def deployed(platform: Platform) -> tuple[KafkaConnection, ClickHouseConnection]:
    kafka = platform.kafka_access
    clickhouse = structs.replace(platform.clickhouse_access, database="held")
    migrate(Plan(kafka, clickhouse, Profile(), PARTITIONS, 1, False), lambda _: None)
    return kafka, clickhouse


@pytest.fixture
def worker(
    deployed: tuple[KafkaConnection, ClickHouseConnection], tmp_path: Path, unused_port: int
) -> Iterator[Worker]:
    worker = Worker(tmp_path, *deployed, unused_port)
    try:
        until(worker.is_ready)
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


@contextmanager
def standing_still(platform: Platform, name: str) -> Iterator[None]:
    """A service that has its connections open, accepts others, and answers nothing."""
    (pid,) = [process.pid for process in platform.state.processes if process.name == name]
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def publish(kafka: KafkaConnection, start: int, records: int, padding: int) -> int:
    """Records of fifteen receptions each, padded by what a decoder ignores; returns how many receptions."""
    producer = KafkaProducer(**kafka.options(), acks="all", max_request_size=MEGABYTE)
    sent = []
    for number in range(start, start + records):
        partition = number % PARTITIONS
        dossiers = (f"D{number}-{count}" for count in range(1000))
        chosen = [dossier for dossier in dossiers if partition_of(dossier, PARTITIONS) == partition][:15]
        lines = [
            json.dumps(
                {
                    "kind": "received",
                    "id": f"e-{dossier}",
                    "dossier": dossier,
                    "source": "test",
                    "occurred_at": "2026-03-02T08:00:00Z",
                    "agency": "H01",
                    "channel": "online",
                    "unknown": "x" * padding,
                }
            )
            for dossier in chosen
        ]
        sent.append(producer.send(EVENTS, "\n".join(lines).encode(), partition=partition))
    for each in sent:
        each.get(timeout=PATIENCE_SECONDS)
    producer.close()
    return 15 * records


def membership(kafka: KafkaConnection) -> list[tuple[str, str]]:
    """Members with the ids the broker gave them; a member that left and came back has another one."""
    with admin(kafka) as client:
        group = client.describe_groups([GROUP])[GROUP]
    return [(member["group_instance_id"], member["member_id"]) for member in group["members"]]


def received(clickhouse: ClickHouseConnection) -> int:
    client: Client = connect(clickhouse)
    try:
        ((count,),) = client.execute("SELECT sum(received) FROM windows FINAL")
        return int(count)
    finally:
        client.disconnect()


def test_a_database_that_does_not_answer_for_long(
    platform: Platform, deployed: tuple[KafkaConnection, ClickHouseConnection], worker: Worker
) -> None:
    kafka, clickhouse = deployed
    before = received(clickhouse) + publish(kafka, 0, 4, 100)
    until(lambda: received(clickhouse) == before)
    members, rebalances, memory = membership(kafka), worker.metric("dossier_rebalances_total"), worker.memory()
    assert [name for name, _ in members] == ["held"]
    with standing_still(platform, "clickhouse"):
        published = publish(kafka, 1000, RECORDS, 60_000)
        held_since = time.monotonic()
        until(lambda: worker.ask("/ready")[0] == 503)
        until(lambda: worker.metric("dossier_lag_records") > RECORDS / 2)
        most = 0
        while time.monotonic() < held_since + LONG_SECONDS:
            most = max(most, worker.memory())
            live, health = worker.ask("/health")
            assert live == 200
            time.sleep(0.5)
        until(lambda: worker.metric("dossier_retries_total") > 0)
        _, health = worker.ask("/ready")
        assert health["state"].startswith("waiting for ClickHouse: ")
        assert worker.metric("dossier_lag_seconds") > LONG_SECONDS
        assert most - memory < GROWTH
        assert membership(kafka) == members
    until(lambda: received(clickhouse) == before + published)
    until(worker.is_ready)
    until(lambda: worker.metric("dossier_lag_records") == 0)
    assert membership(kafka) == members
    assert worker.metric("dossier_rebalances_total") == rebalances
    assert worker.process.poll() is None


def test_a_broker_that_does_not_answer_for_long(
    platform: Platform, deployed: tuple[KafkaConnection, ClickHouseConnection], worker: Worker
) -> None:
    kafka, clickhouse = deployed
    before = received(clickhouse) + publish(kafka, 5000, 4, 100)
    until(lambda: received(clickhouse) == before)
    with standing_still(platform, "kafka"):
        held_since = time.monotonic()
        until(lambda: worker.ask("/ready")[0] == 503)
        assert worker.ask("/ready")[1]["state"].startswith("waiting for Kafka: ")
        until(lambda: time.monotonic() > held_since + LONG_SECONDS)
        assert worker.ask("/health")[0] == 200
    published = publish(kafka, 6000, 20, 100)
    until(lambda: received(clickhouse) == before + published)
    until(worker.is_ready)
    assert worker.process.poll() is None
