"""`dossier hook` as a service on a real broker: what it acknowledged survives a kill."""

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from connectors.webhook.signature import SIGNATURE, TIMESTAMP, sign
from schemas.connection import KafkaConnection, Secret
from schemas.topics import INBOX
from tests.cli.commands import ROOT, Run, environment

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

RECORDS = (ROOT / "samples" / "education.jsonl").read_bytes().splitlines()
KEY = "signs for the schools"


@pytest.fixture
def hooks(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    file = tmp_path / "hooks.toml"
    file.write_text(f'[hooks.schools]\nmapping = "{ROOT}/samples/education.toml"\nsecret_files = ["key"]\n')
    return file


@contextmanager
def receiving(hooks: Path, port: int, **variables: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "cli.main", "hook", "--listen", f"127.0.0.1:{port}", "--hooks", str(hooks)]
    with subprocess.Popen(command, env=environment(**variables), stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def post(port: int, body: bytes, timestamp: str) -> int:
    """Send a request until it is answered, as a sender does."""
    headers = {TIMESTAMP: timestamp, SIGNATURE: sign(Secret(KEY), timestamp, body)}
    deadline = time.monotonic() + 60
    while True:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            try:
                connection.request("POST", "/hook/schools", body, headers)
                return connection.getresponse().status
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)


def lines_in(kafka: KafkaConnection) -> list[bytes]:
    found: list[bytes] = []
    with closing(KafkaConsumer(**kafka.options(), auto_offset_reset="earliest", enable_auto_commit=False)) as consumer:
        places = [TopicPartition(INBOX, partition) for partition in consumer.partitions_for_topic(INBOX)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=200).values():
                found += [line for record in records for line in record.value.split(b"\n")]
    return found


def test_what_was_acknowledged_survives_a_kill_and_a_repeat_says_the_very_same(
    kafka: KafkaConnection, deployed: dict[str, str], hooks: Path, unused_port: int
) -> None:
    at = f"{time.time():.3f}"
    with receiving(hooks, unused_port, **deployed) as hook:
        assert post(unused_port, RECORDS[0], at) == 202
        hook.kill()
    first = lines_in(kafka)
    assert [json.loads(line)["kind"] for line in first] == ["received", "term_set", "progressed"]
    with receiving(hooks, unused_port, **deployed) as hook:
        assert post(unused_port, RECORDS[0], at) == 202
        hook.send_signal(signal.SIGTERM)
        assert hook.wait(timeout=30) == 0, hook.communicate()[1]
    assert lines_in(kafka) == first * 2


def test_what_it_cannot_start_with_is_one_line(dossier: Run, deployed: dict[str, str], hooks: Path) -> None:
    assert "No such file" in dossier("hook", "--hooks", hooks.parent / "none.toml", **deployed).reason
    hooks.write_text("[hooks]")
    assert "there is no hook" in dossier("hook", "--hooks", hooks, **deployed).reason
