"""The log of imports on a real broker: who numbers what, and who gets the same number again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kafka import KafkaProducer
from msgspec import structs

from connectors.errors import Unreachable
from connectors.files.import_log import ImportRecord, import_number, imported
from connectors.files.mapping_file import load_mapping
from schemas.connection import KafkaConnection
from schemas.topics import IMPORTS, declared
from streams.broker import topics
from tests.broker import delete_topics

MAPPING = load_mapping(Path(__file__).parents[3] / "samples" / "wabo-receipt.toml")
AT = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def log(kafka: KafkaConnection) -> Iterator[KafkaConnection]:
    with topics.admin(kafka) as client:
        topics.create(client, next(topic for topic in declared(1, 1) if topic.name == IMPORTS))
    yield kafka
    delete_topics(kafka)


def of(path: Path | None, content: str = "", as_of: datetime = AT, began: datetime = AT) -> ImportRecord:
    if path:
        path.write_text(content)
    return imported(path, MAPPING, as_of, began)


def test_what_is_the_same_import_does_not_depend_on_when_and_by_which_name(tmp_path: Path) -> None:
    first = of(tmp_path / "a.csv", "x")
    assert of(tmp_path / "b.csv", "x", began=AT + timedelta(1)).digest == first.digest
    assert of(tmp_path / "a.csv", "y").digest != first.digest
    assert of(tmp_path / "a.csv", "x", as_of=AT + timedelta(1)).digest != first.digest
    mapping = structs.replace(MAPPING, source="other")
    assert imported(tmp_path / "a.csv", mapping, AT, AT).digest != first.digest


@pytest.mark.kafka
def test_each_import_gets_a_greater_number_and_the_same_one_its_first_again(
    log: KafkaConnection, tmp_path: Path
) -> None:
    cut, whole = of(tmp_path / "cut.csv", "a\n1"), of(tmp_path / "whole.csv", "a\n12\n")
    assert [import_number(log, said) for said in (cut, whole, cut, whole)] == [0, 1, 0, 1]
    # What comes through a pipe cannot be known again.
    assert [import_number(log, of(None)) for _ in range(2)] == [2, 3]
    producer = KafkaProducer(**log.options())
    for foreign in (b"no import", b"[" * 100_000, b"\xff", b"{}"):
        producer.send(IMPORTS, foreign, partition=0)
    producer.close()
    assert import_number(log, whole) == 1
    assert import_number(log, of(tmp_path / "other.csv", "b")) == 8


@pytest.mark.kafka
def test_who_begins_the_same_import_at_once_gets_the_same_number(log: KafkaConnection, tmp_path: Path) -> None:
    same, other = of(tmp_path / "a.csv", "x"), of(tmp_path / "b.csv", "y")
    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(lambda said: import_number(log, said), [same, other] * 3))
    assert len({*numbers[::2]}) == len({*numbers[1::2]}) == 1
    assert numbers[0] != numbers[1]


@pytest.mark.kafka
def test_without_the_topic_it_says_what_makes_it(kafka: KafkaConnection) -> None:
    with pytest.raises(Unreachable, match=r"topic dossier-imports is not on the Kafka at .*: run `dossier migrate`"):
        import_number(kafka, of(None))
