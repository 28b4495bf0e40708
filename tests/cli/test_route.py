"""`dossier route` as a service: events are moved, a foreign topic is mapped, what does not fit is replayed."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.envelope import encode_event
from schemas.topics import EVENTS, INBOX
from streams.broker import topics
from streams.storage.clickhouse_client import connect
from tests.cli.commands import AWAY, ROOT, Run, environment
from tests.foreign import received

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

FOREIGN = "so-gddt"
SAMPLES = ROOT / "samples"


@pytest.fixture
def client(deployed: dict[str, str], clickhouse_server: ClickHouseConnection) -> Iterator[Client]:
    client = connect(structs.replace(clickhouse_server, database=deployed["database"]))
    yield client
    client.disconnect()


@pytest.fixture
def foreign(kafka: KafkaConnection, deployed: dict[str, str]) -> Iterator[str]:
    """A topic that another system made."""
    assert deployed
    with topics.admin(kafka) as admin:
        admin.create_topics([NewTopic(FOREIGN, 2, 1)])
    yield FOREIGN
    with topics.admin(kafka) as admin:
        admin.delete_topics([FOREIGN])


@contextmanager
def routing(*arguments: str | Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "cli.main", "route", "--name", "test-router", *map(str, arguments)]
    with subprocess.Popen(command, env=environment(**variables), stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def send(kafka: KafkaConnection, topic: str, *values: bytes) -> None:
    with closing(KafkaProducer(**kafka.options())) as producer:
        for value in values:
            producer.send(topic, value)
        producer.flush()


def published(kafka: KafkaConnection, source: str) -> list[dict[str, Any]]:
    """The events of a source that a reader of the events topic finds."""
    found: list[dict[str, Any]] = []
    options = {"isolation_level": "read_committed", "auto_offset_reset": "earliest", "enable_auto_commit": False}
    with closing(KafkaConsumer(**kafka.options(), **options)) as consumer:
        places = [TopicPartition(EVENTS, partition) for partition in consumer.partitions_for_topic(EVENTS)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=200).values():
                found += [json.loads(line) for record in records for line in record.value.split(b"\n")]
    return [event for event in found if event["source"] == source]


def state_of(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1) as answer:
            return str(json.loads(answer.read())["state"])
    except urllib.error.HTTPError as error:
        return str(json.loads(error.read())["state"])
    except OSError:
        return ""


def test_what_came_into_the_inbox_is_published_and_a_signal_ends_it_in_order(
    kafka: KafkaConnection, deployed: dict[str, str], unused_port: int
) -> None:
    lines = [encode_event(event) for event in received("H01", 20)]
    send(kafka, INBOX, b"[" + b",".join(lines[:10]) + b"]", *lines[10:])
    with routing("--metrics", f"127.0.0.1:{unused_port}", **deployed) as router:
        until(lambda: len(published(kafka, "foreign")) >= 20)
        until(lambda: state_of(unused_port) == "routing")
        router.send_signal(signal.SIGTERM)
        assert router.wait(timeout=30) == 0, router.communicate()[1]
    assert sorted(event["id"] for event in published(kafka, "foreign")) == sorted(f"H01-{n}-1" for n in range(20))


def test_a_foreign_topic_is_mapped_and_what_does_not_fit_is_replayed_by_a_better_mapping(
    kafka: KafkaConnection, deployed: dict[str, str], foreign: str, dossier: Run, client: Client, tmp_path: Path
) -> None:
    lines = (SAMPLES / "education.jsonl").read_bytes().splitlines()
    odd = lines[1].replace(b"THPT.01", b"THPT.99").replace(b"0001", b"0002")
    send(kafka, foreign, lines[0], odd, b"no json of Nguyen", lines[1])
    with routing("--topic", foreign, "--mapping", SAMPLES / "education.toml", **deployed):
        until(
            lambda: (
                client.execute("SELECT count() FROM open_dead_letters WHERE topic = %(t)s", {"t": foreign}) == [(2,)]
            )
        )
        until(lambda: len(published(kafka, "education")) >= 12)
    dossiers = {event["dossier"] for event in published(kafka, "education")}
    assert dossiers == {"H26.50-260105-0001", "H26.50-260105-0002"}

    listed = json.loads(dossier("dead-letters", "list", "--topic", foreign, "--json", **deployed).out)
    assert {letter["reason"] for letter in listed["letters"]} == {"unmapped", "malformed"}
    contents = client.execute("SELECT content, detail FROM dead_letters WHERE topic = %(t)s", {"t": foreign})
    assert not [text for row in contents for text in row if "Nguy" in text or "0900000000" in text]
    (place,) = [letter["place"] for letter in listed["letters"] if letter["reason"] == "unmapped"]
    assert place.startswith(f"{foreign}/")

    refused = dossier("dead-letters", "replay", place, **deployed)
    assert refused.code == 1
    assert "--mapping" in refused.err
    for file in ("education.toml", "education-units.csv"):
        (tmp_path / file).write_bytes((SAMPLES / file).read_bytes())
    with (tmp_path / "education-units.csv").open("a") as units:
        units.write("THPT.99,H26.50.99,\n")
    replayed = dossier("dead-letters", "replay", place, "--mapping", tmp_path / "education.toml", **deployed)
    assert replayed.code == 0, replayed
    agencies = {event.get("agency") for event in published(kafka, "education") if event["kind"] == "received"}
    assert agencies == {"H26.50.01", "H26.50.99"}


def test_while_clickhouse_is_away_nothing_passes_what_would_be_put_aside(
    kafka: KafkaConnection, deployed: dict[str, str], unused_port: int, client: Client
) -> None:
    (event,) = received("H02", 1)
    send(kafka, INBOX, b"no event", encode_event(event))
    with routing("--metrics", f"127.0.0.1:{unused_port}", **deployed | {"clickhouse": AWAY}):
        until(lambda: state_of(unused_port).startswith("waiting: ClickHouse at 127.0.0.1:1 does not answer"))
    with routing(**deployed):
        until(lambda: "H02-0-1" in [each["id"] for each in published(kafka, "foreign")])
    assert client.execute("SELECT reason FROM open_dead_letters WHERE topic = %(t)s", {"t": INBOX}) == [("malformed",)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--topic", "none"), "--topic needs --mapping"),
        (("--topic", EVENTS, "--mapping", "m.toml"), "dossier-events is what routers and workers write"),
        (("--topic", "none", "--mapping", SAMPLES / "education.toml"), "has no topic none"),
        (("--mapping", "none.toml"), "none.toml: the mapping cannot be read"),
        (("--name", "a b"), "'a b' is not a name"),
    ],
)
def test_what_cannot_be_routed_is_told_at_once(
    dossier: Run, deployed: dict[str, str], arguments: tuple[str | Path, ...], reason: str
) -> None:
    ended = dossier("route", *arguments, **deployed)
    assert ended.code == 2
    assert reason in ended.err
