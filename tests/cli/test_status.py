"""`dossier status` shows processes, and how to connect."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner
from msgspec import structs

from cli.status import command as status
from cli.status import describe
from deploy.embedded.generated_secrets import keep_secrets
from deploy.embedded.process_liveness import created
from deploy.embedded.state_file import PlatformState, ProcessState, write_state


def test_where_nothing_runs_status_says_so_with_its_own_code(tmp_path: Path) -> None:
    said = CliRunner().invoke(status, ["--data", str(tmp_path)])
    assert said.exit_code == 3
    assert said.output == f"nothing runs in {tmp_path}: `dossier up --data {tmp_path}` starts it\n"
    said = CliRunner().invoke(status, ["--data", str(tmp_path), "--json"])
    assert said.exit_code == 3
    assert json.loads(said.output) == {"state": "stopped", "processes": []}


def failing() -> PlatformState:
    return PlatformState(
        supervisor=os.getpid(),
        created=created(os.getpid()),
        started_at=datetime(2026, 1, 5, tzinfo=UTC),
        state="failing",
        kafka="127.0.0.1:20001",
        processes=(
            ProcessState("kafka", "ready", "/d/logs/kafka.log", pid=12, address="127.0.0.1:20001"),
            ProcessState(
                *("worker-1", "failing", "/d/logs/worker-1.log"),
                restarts=7,
                reason="exited with 1: no table",
                tail=("Traceback", "no table"),
            ),
        ),
    )


def test_a_failing_process_is_shown_with_the_end_of_its_log() -> None:
    assert describe(failing()).splitlines() == [
        "process   state    address          pid  restarts  log",
        "kafka     ready    127.0.0.1:20001  12   0         /d/logs/kafka.log",
        "worker-1  failing  -                -    7         /d/logs/worker-1.log",
        "",
        "worker-1 exited with 1: no table",
        "  | Traceback",
        "  | no table",
    ]


def test_status_fails_while_something_is_not_ready(tmp_path: Path) -> None:
    write_state(tmp_path, failing())
    said = CliRunner().invoke(status, ["--data", str(tmp_path), "--json"])
    assert said.exit_code == 1
    processes = json.loads(said.output)["processes"]
    assert [(each["name"], each["state"], each["restarts"]) for each in processes] == [
        ("kafka", "ready", 0),
        ("worker-1", "failing", 7),
    ]


def test_status_says_how_to_connect_and_the_passwords_only_when_asked(tmp_path: Path) -> None:
    write_state(tmp_path, structs.replace(failing(), clickhouse="127.0.0.1:20002"))
    secrets = keep_secrets(tmp_path)
    words = [secrets.reader.reveal(), secrets.owner.reveal(), secrets.kafka.reveal()]
    told = CliRunner().invoke(status, ["--data", str(tmp_path)]).output
    assert "ClickHouse  127.0.0.1:20002  reader" in told
    assert f"Kafka       127.0.0.1:20001  dossier  {tmp_path}/secrets/kafka" in told
    assert not any(word in told for word in words)
    shown = CliRunner().invoke(status, ["--data", str(tmp_path), "--show-secrets"]).output
    assert all(word in shown for word in words)
    listed = CliRunner().invoke(status, ["--data", str(tmp_path), "--show-secrets", "--json"]).output
    assert [each["secret"] for each in json.loads(listed)["access"]] == words
