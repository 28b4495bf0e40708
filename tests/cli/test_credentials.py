"""Credentials come from the environment, reach every client, and show nowhere."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from deploy.embedded import kafka_program as embedded
from deploy.embedded.platform import Options, Platform
from deploy.embedded.ports import listens
from schemas.connection import ClickHouseConnection, KafkaConnection, Secret
from streams.broker.group import members
from streams.worker.worker import _credentials
from tests.cli.commands import AWAY, MAPPING, Run, apart, environment, named

SECRET = "hunter2-đ-of-the-test"  # noqa: S105  # of nothing
WRONG = "hunter3-đ-of-the-test"


@pytest.mark.loopback
def test_no_command_shows_a_secret(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    variables: dict[str, str | Path] = {
        "data": tmp_path,
        "kafka": AWAY,
        "kafka_security": "SASL_PLAINTEXT",
        "kafka_user": "counter",
        "kafka_password": SECRET,
        "clickhouse": AWAY,
        "clickhouse_user": "writer",
        "clickhouse_password": WRONG,
    }
    mapped = ("import", str(tmp_path / "x.csv"), "--mapping", str(MAPPING))
    commands = [("settings",), ("doctor",), ("report",), ("audit",), ("work",), ("migrate",), mapped]
    with ThreadPoolExecutor(2) as beside:
        for ended in beside.map(lambda command: apart(*command, **variables), commands):
            assert ended.out + ended.err
            for secret in (SECRET, WRONG):
                assert secret not in ended.out + ended.err


@pytest.mark.clickhouse
def test_a_wrong_password_of_clickhouse_is_one_line(dossier: Run, clickhouse: ClickHouseConnection) -> None:
    ended = dossier("report", **named(clickhouse) | {"clickhouse_password": SECRET})
    assert ended.code == 3
    assert ended.reason.startswith(f"ClickHouse at {clickhouse.address} refuses the user ")
    assert SECRET not in ended.reason


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_worker_takes_every_mechanism_that_settings_take(mechanism: str) -> None:
    kafka = KafkaConnection("k:9092", "SASL_PLAINTEXT", mechanism, "counter", Secret(SECRET))
    credentials = _credentials(kafka)
    assert (credentials.mechanism.value, credentials.protocol.value) == (mechanism, "SASL_PLAINTEXT")
    assert (credentials.username, credentials.password) == ("counter", SECRET)
    assert SECRET not in repr(credentials)


@pytest.mark.parametrize("security", ["SASL_SSL", "SSL"])
def test_a_worker_verifies_certificates_where_it_encrypts(security: str) -> None:
    credentials = _credentials(KafkaConnection("k:9093", security, "PLAIN", "counter", Secret(SECRET)))
    context = credentials.ssl_context if security == "SASL_SSL" else credentials.context
    assert credentials.protocol.value == security
    assert context.check_hostname
    assert _credentials(KafkaConnection("k:9092")) is None


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaConnection]:
    """A broker of the test's own that wants a password."""
    properties = embedded.server_properties
    monkeypatch.setattr(
        embedded,
        "server_properties",
        lambda port, controller, *_: properties(port, controller, "counter", SECRET).replace("đ", "\\u0111"),
    )
    # What asks with another password would never get an answer.
    monkeypatch.setattr(embedded, "answers_metadata", lambda kafka: listens(int(kafka.bootstrap.rpartition(":")[2])))
    with Platform(tmp_path / "kafka", Options(clickhouse=False)) as platform:
        yield KafkaConnection(platform.kafka, "SASL_PLAINTEXT", "PLAIN", "counter", Secret(SECRET))


@pytest.mark.kafka
@pytest.mark.clickhouse
def test_every_client_logs_in_and_a_wrong_password_is_one_line(
    guarded: KafkaConnection, clickhouse_server: ClickHouseConnection, tmp_path: Path
) -> None:
    variables: dict[str, str | Path] = {
        **named(guarded, clickhouse_server),
        "data": tmp_path,
        "database": "guarded",
        "kafka_security": "SASL_PLAINTEXT",
        "kafka_user": "counter",
        "kafka_password": SECRET,
    }
    deadline = time.monotonic() + 240
    while (migrated := apart("migrate", **variables)).code:
        assert time.monotonic() < deadline, migrated
    for command in (("work",), ("simulate", "--events", "1"), ("migrate",)):
        ended = apart(*command, **variables | {"kafka_password": WRONG})
        assert ended.code == 3, ended
        assert "DOSSIER_KAFKA_PASSWORD" in ended.reason
        assert WRONG not in ended.reason
    log = tmp_path / "work.log"
    with log.open("w") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "work", "--name", "guarded"], env=environment(**variables), stderr=output
        )
    try:
        deadline = time.monotonic() + 240
        while "guarded" not in members(guarded):
            assert worker.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        assert not any(SECRET in argument for argument in psutil.Process(worker.pid).cmdline())
        assert apart("simulate", "--events", "50", "--rate", "1000", **variables).code == 0
        counted = apart("doctor", **variables)
        while " 0 of " not in counted.out:
            assert time.monotonic() < deadline + 240, counted
            counted = apart("doctor", **variables)
    finally:
        worker.kill()
        worker.wait()
    assert SECRET not in log.read_text()
