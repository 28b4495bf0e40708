"""The whole path on the real log: every way of getting it in gives the same counts, and they are the right ones."""

import csv
import random
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer

from schemas.dead_letter import decode_dead
from schemas.envelope import encode_event
from schemas.partition import partition_of
from schemas.topics import DEAD, EVENTS, INBOX
from tests.deployment import SAMPLE, Deployment, Killer
from tests.foreign import received

pytestmark = [pytest.mark.platform, pytest.mark.scenario]

LATER = ("--as-of", "2012-03-01T00:00:00+01:00")
MOVED = {"case-10024": "case:enddate", "case-10028": "case:deadline", "case-10084": "case:department"}


def sample() -> tuple[list[str], list[dict[str, str]]]:
    with SAMPLE.open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        return list(reader.fieldnames or ()), rows


def write(path: Path, header: list[str], rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def later_export(tmp_path: Path) -> Path:
    """The same log, exported later: one end date, one deadline and one department are others."""
    header, rows = sample()
    for row in rows:
        field = MOVED.get(row["case:concept:name"])
        if field == "case:department":
            row[field] = "Customer contact" if row[field] == "General" else "General"
        elif field:
            assert row[field], f"the sample has no {field} for {row['case:concept:name']}"
            row[field] = (datetime.fromisoformat(row[field]) + timedelta(days=3650)).isoformat()
            if field == "case:enddate":
                row[field] = (datetime.fromisoformat(row[field]) - timedelta(days=3640)).isoformat()
    return write(tmp_path / "later.csv", header, rows)


def touched_windows(rows: list[dict[str, str]], fields: dict[str, str]) -> set[tuple[bytes, datetime]]:
    """The windows that the changed dossiers count in, by agency: what a correction may change."""
    found = set()
    for row in rows:
        field = fields.get(row["case:concept:name"])
        if field is None:
            continue
        times = {
            "case:enddate": ["case:enddate"],
            "case:deadline": ["case:enddate"],
            "case:department": ["case:startdate", "case:enddate"],
        }[field]
        for time in times:
            if row[time]:
                at = datetime.fromisoformat(row[time]).timestamp() // 300 * 300
                found.add((row["case:department"].encode(), datetime.fromtimestamp(at, UTC)))
    return found


def test_the_sample_log_is_counted_exactly_however_it_arrives(tmp_path: Path, later_export: Path) -> None:
    header, rows = sample()
    with Deployment(tmp_path / "first", "--profile", "samples/profile.toml") as deployment:
        deployment.load(SAMPLE)
        total = deployment.json("report")["total"]
        assert {
            name: total[name] for name in ("received", "received_online", "resolved", "resolved_on_time", "open")
        } == {
            "received": 717,
            "received_online": 627,
            "resolved": 661,
            "resolved_on_time": 468,
            "open": 56,
        }
        once = deployment.snapshot()
        assert len(once["events"]) == 717 + 717 + 661 + 4321
        deployment.load(SAMPLE)
        assert deployment.snapshot() == once

        deployment.load(later_export, *LATER)
        corrected = deployment.snapshot()
        changed = {
            window
            for window in once["windows"].keys() | corrected["windows"].keys()
            if once["windows"].get(window) != corrected["windows"].get(window)
        }
        with later_export.open(newline="") as file:
            after = list(csv.DictReader(file))
        assert changed == touched_windows(rows, MOVED) | touched_windows(after, MOVED)
        assert deployment.json("audit")["differences"] == 0
        _audit_reports_a_corrupted_row(deployment)
        _what_comes_into_the_inbox_is_counted(deployment)

    random.Random(7).shuffle(rows)
    parts = [write(tmp_path / f"part-{part}.csv", header, rows[part::3]) for part in range(3)]
    with Deployment(tmp_path / "second", "--profile", "samples/profile.toml") as deployment:
        _poison(deployment)
        with Killer(deployment, seed=7) as killer:
            deployment.load(write(tmp_path / "reversed.csv", header, list(reversed(after))), *LATER)
            helper = subprocess.Popen(
                deployment.command("work", "--name", "helper"), env=deployment.environment, stderr=subprocess.DEVNULL
            )
            for part in parts:
                deployment.load(part)
            helper.send_signal(signal.SIGTERM)
            assert helper.wait(timeout=30) == 0
        assert killer.killed
        assert deployment.snapshot() == corrected
        assert deployment.json("audit")["differences"] == 0
        _poison_was_put_aside(deployment)


def _audit_reports_a_corrupted_row(deployment: Deployment) -> None:
    client = deployment.clickhouse()
    client.execute(
        "INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, received + 1 AS received) FROM windows FINAL "
        "WHERE received_online = 1 ORDER BY window LIMIT 1"
    )
    client.execute(
        "INSERT INTO facts SELECT * REPLACE (pos + 1 AS pos, 'somewhere' AS step) FROM facts FINAL "
        "WHERE dossier = 'case-10024'"
    )
    client.disconnect()
    found: dict[str, Any] = deployment.json("audit", code=4)
    (window,) = found["window_differences"]
    assert window["counter"] == "received"
    assert window["stored"] == window["recomputed"] + 1
    (facts,) = found["facts_differences"]
    assert (facts["dossier"], facts["column"], facts["stored"]) == ("case-10024", "step", "somewhere")


def _what_comes_into_the_inbox_is_counted(deployment: Deployment) -> None:
    """The platform has a router: a producer needs to know nothing of partitions."""
    sent = [encode_event(event) for event in received("Inbox", 20)]
    producer = KafkaProducer(**deployment.kafka.options())
    producer.send(INBOX, b"[" + b",".join(sent) + b"]", key=b"any key")
    producer.flush()
    producer.close()
    client = deployment.clickhouse()
    counted, deadline = 0, monotonic() + 60
    while counted < len(sent):
        assert monotonic() < deadline, counted
        sleep(0.1)
        ((counted,),) = client.execute("SELECT sum(received) FROM windows FINAL WHERE agency = 'Inbox'")
    client.disconnect()
    assert counted == len(sent)


POISON = {
    b"not json": "malformed",
    b'{"kind":"exploded","id":"1","dossier":"d","source":"s","occurred_at":"2024-01-01T00:00:00Z"}': "unknown_kind",
    b'{"kind":"returned","id":"1","dossier":"d","source":"s","occurred_at":"20211-01-01T00:00:00Z"}': "invalid",
    b'{"kind":"returned","id":"1","dossier":"d","source":"s","occurred_at":"2099-01-01T00:00:00Z"}': "future",
    b"\xff\xfe": "malformed",
}


def _poison(deployment: Deployment) -> None:
    """What a foreign producer may put on the topic."""
    producer = KafkaProducer(**deployment.kafka.options())
    producer.send(EVENTS, b"\n".join(POISON), partition=0)
    producer.send(EVENTS, None, key=b"x", partition=1)
    misplaced = b'{"kind":"returned","id":"%d","dossier":"d","source":"s","occurred_at":"2024-01-01T00:00:00Z"}'
    for partition in set(range(8)) - {partition_of("d", 8)}:
        producer.send(EVENTS, misplaced % partition, partition=partition)
    producer.flush()
    producer.close()


def _poison_was_put_aside(deployment: Deployment) -> None:
    client = deployment.clickhouse()
    reasons = client.execute("SELECT content, reason FROM dead_letters FINAL", settings={"strings_as_bytes": True})
    client.disconnect()
    expected = [*POISON.items(), (b"", "empty")]
    assert sorted((content, reason.decode()) for content, reason in reasons if reason != b"misplaced") == sorted(
        expected
    )
    assert sum(reason == b"misplaced" for _, reason in reasons) == 7
    consumer = KafkaConsumer(DEAD, **deployment.kafka.options(), auto_offset_reset="earliest", consumer_timeout_ms=3000)
    letters = {(letter.partition, letter.offset, letter.line) for letter in (decode_dead(m.value) for m in consumer)}
    consumer.close()
    assert len(letters) == len(reasons)
