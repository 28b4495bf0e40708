"""The dead-letter topic, and what the log says of it."""

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from kafka import KafkaConsumer
from msgspec import structs

from schemas.connection import KafkaConnection
from schemas.dead_letter import DeadLetter, dead_letter, decode_dead
from schemas.envelope import Rejection, RejectReason, encode_event
from schemas.events import Received
from schemas.topics import DEAD, EVENTS
from streams.dead_letters.topic import DeadLetterTopic
from streams.storage.deployment_plan import Plan
from streams.storage.migration import make_topics
from tests.broker import delete_topics
from tests.streams.cases import said

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def letter(offset: int, content: bytes, reason: RejectReason = "malformed") -> DeadLetter:
    rejection = Rejection(7, reason, "agency", "agency = 'secret'", content)
    return dead_letter(EVENTS, 3, offset, NOW, rejection)


@pytest.fixture
def topics(plan: Plan, kafka: KafkaConnection) -> Iterator[None]:
    make_topics(structs.replace(plan, kafka=kafka), lambda _: None, dry_run=False)
    yield
    delete_topics(kafka)


@pytest.mark.usefixtures("topics")
def test_all_letters_are_sent_and_a_few_logged_without_what_is_in_them(
    kafka: KafkaConnection, caplog: pytest.LogCaptureFixture
) -> None:
    stray = encode_event(said(Received, "2026-03-02 08:00", agency="secret"))
    letters = [letter(0, b'{"agency":"secret'), letter(1, stray, "misplaced")]
    letters += [letter(offset, b"\xff secret") for offset in range(2, 20)]
    with closing(DeadLetterTopic(kafka)) as topic, caplog.at_level(logging.WARNING, "streams"):
        topic.send(letters)
        topic.send([])
    consumer = KafkaConsumer(DEAD, **kafka.options(), auto_offset_reset="earliest", consumer_timeout_ms=3000)
    assert [decode_dead(record.value) for record in consumer] == letters
    consumer.close()

    logged = [record for record in caplog.records if record.name == "streams.dead_letters.topic"]
    assert [record.getMessage() for record in logged] == ["dead letter"] * 5 + ["15 more dead letters in this batch"]
    place = {"topic": EVENTS, "partition": 3, "line": 7, "field": "agency"}
    first, second = (vars(record) for record in logged[:2])
    assert (place | {"offset": 0, "reason": "malformed", "dossier": ""}).items() <= first.items()
    assert (place | {"offset": 1, "reason": "misplaced", "dossier": "D1"}).items() <= second.items()
    assert "secret" not in str([vars(record) for record in logged])
