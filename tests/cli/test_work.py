"""`dossier work` starts only where it may count, and else says in one line why not."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from schemas.connection import KafkaConnection
from schemas.topics import EVENTS
from streams.storage.deployment_plan import Plan
from tests.cli.commands import Run, environment

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]


def test_a_database_that_was_not_migrated(dossier: Run, deployed: dict[str, str]) -> None:
    ended = dossier("work", **deployed | {"database": "never_made"})
    assert ended.code == 2
    assert "never_made" in ended.reason
    assert ended.reason.endswith("run `dossier migrate`")


def test_a_database_that_belongs_to_no_topic_yet(dossier: Run, deployed: dict[str, str], plan: Plan) -> None:
    ended = dossier("work", **deployed | {"database": plan.clickhouse.database})
    assert ended.code == 2
    assert ended.reason == f"database {plan.clickhouse.database} belongs to no topic yet: run `dossier migrate`"


def test_other_rules_than_those_of_the_counts(dossier: Run, deployed: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "date.toml").write_text('terms = "date"')
    ended = dossier("work", profile=tmp_path / "date.toml", **deployed)
    assert ended.code == 4
    assert ended.reason == (
        f"the counts in database {deployed['database']} have rules v3 terms=instant time_zone=Asia/Ho_Chi_Minh, but "
        "now it is v3 terms=date time_zone=Asia/Ho_Chi_Minh: use the former profile, or stop the workers (of an "
        "embedded platform: `dossier down`, `dossier up --workers 0`) and count anew by these rules with "
        "`dossier rebuild`"
    )


def test_an_address_for_metrics_that_is_taken(dossier: Run, deployed: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        ended = dossier("work", "--metrics", address, **deployed)
        assert ended.code == 2
        assert ended.reason.startswith(f"--metrics={address} cannot be listened on: Address already in use; ")
        ended = dossier("work", metrics=address, **deployed)
        assert ended.reason.startswith(f"DOSSIER_METRICS={address} cannot be listened on")


def test_an_address_for_metrics_that_is_none(dossier: Run, deployed: dict[str, str]) -> None:
    ended = dossier("work", "--metrics", "9464", **deployed)
    assert ended.code == 2
    assert "Invalid value for '--metrics': '9464' is not host:port" in ended.err


@contextmanager
def working(folder: Path, port: int, **variables: str | Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A worker that serves metrics, and its log; it is ready."""
    log = folder / "work.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "work", "--name", "logged", "--metrics", f"127.0.0.1:{port}"],
            env=environment(data=folder, **variables),
            stderr=output,
            text=True,
        )
    try:
        await_(lambda: get(port, "/ready") is not None, process, log)
        yield process, log
    finally:
        process.kill()
        process.wait()


def await_(condition: Any, process: "subprocess.Popen[str]", log: Path) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def get(port: int, path: str) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:  # ours
            return str(answer.read().decode())
    except OSError:
        return None


PERSON = "Nguyễn Thị Bí Mật"
PHONE = "0912345678"
POISON = (
    b"not json " + PERSON.encode() + PHONE.encode(),
    json.dumps({"kind": PERSON, "phone": PHONE}).encode(),
    json.dumps({"kind": "received", "id": "1", "dossier": "d", "source": "s", "occurred_at": PERSON + PHONE}).encode(),
    json.dumps(
        {"kind": "received", "id": "1", "dossier": "d", "source": "s", "channel": PHONE, PERSON: PHONE}
    ).encode(),
)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_names_the_place_of_what_is_put_aside_and_nobody(
    deployed: dict[str, str], kafka: KafkaConnection, tmp_path: Path, unused_port: int, form: str
) -> None:
    producer = KafkaProducer(**kafka.options())
    with working(tmp_path, unused_port, log=form, **deployed) as (process, log):
        producer.send(EVENTS, b"\n".join(POISON), partition=0).get(timeout=60)
        await_(lambda: "dossier_dead_letters_total{" in (get(unused_port, "/metrics") or ""), process, log)
        process.terminate()
        assert process.wait(60) == 0
    producer.close()
    text = log.read_text()
    lines = text.splitlines()
    for secret in (PERSON, PHONE, "Nguy", json.dumps(PERSON)[1:-1]):
        assert secret not in text
    assert any("partitions are assigned" in line for line in lines)
    assert sum("dead letter" in line and "dossier-events" in line for line in lines) == len(POISON)
    if form == "json":
        for line in lines:
            assert {"time", "level", "logger", "message"} <= json.loads(line).keys()
