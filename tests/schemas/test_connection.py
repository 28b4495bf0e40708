import json
import logging

import msgspec
import pytest

from schemas.connection import ClickHouseConnection, KafkaConnection, Secret

WORD = "hunter2-đ"


class Both(msgspec.Struct, frozen=True):
    kafka: KafkaConnection
    clickhouse: ClickHouseConnection


SETTINGS = Both(
    KafkaConnection("k:9092", security="SASL_SSL", user="u", password=Secret(WORD)),
    ClickHouseConnection("c", 9000, password=Secret(WORD)),
)


@pytest.mark.parametrize("value", [Secret(WORD), SETTINGS.kafka, SETTINGS.clickhouse, SETTINGS])
def test_a_secret_shows_in_no_text_of_what_holds_it(value: object, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("connecting with %s, %r", value, value)
    for text in (repr(value), str(value), f"{value}", f"{value!r:>80}", ascii(value), caplog.text):
        assert WORD not in text
        assert "***" in text


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, json.dumps])
def test_a_secret_is_never_encoded(encode: object) -> None:
    assert callable(encode)
    with pytest.raises(TypeError) as raised:
        encode(SETTINGS)
    assert WORD not in str(raised.value)


def test_a_secret_is_there_where_it_is_used() -> None:
    assert SETTINGS.kafka.password.reveal() == WORD
    assert SETTINGS.kafka.options()["sasl_plain_password"] == WORD


def test_connections_are_equal_when_their_secrets_are() -> None:
    same = KafkaConnection("k:9092", security="SASL_SSL", user="u", password=Secret(WORD))
    other = KafkaConnection("k:9092", security="SASL_SSL", user="u", password=Secret("another"))
    assert {SETTINGS.kafka, same} == {SETTINGS.kafka}
    assert other != SETTINGS.kafka
    assert Secret(WORD) != WORD


def test_no_secret_shows_as_none() -> None:
    assert repr(Secret()) == "Secret('')"


def test_kafka_is_told_only_what_its_protocol_uses() -> None:
    plain = KafkaConnection("a:1,b:2", user="u", password=Secret(WORD), ca_file="ca.pem")
    assert plain.options() == {"bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT"}
    encrypted = KafkaConnection("a:1", security="SSL", ca_file="ca.pem")
    assert encrypted.options() == {
        "bootstrap_servers": ["a:1"],
        "security_protocol": "SSL",
        "ssl_cafile": "ca.pem",
    }
    assert SETTINGS.kafka.options() == {
        "bootstrap_servers": ["k:9092"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "u",
        "sasl_plain_password": WORD,
    }


def test_clickhouse_has_an_address() -> None:
    assert SETTINGS.clickhouse.address == "c:9000"


def test_a_broker_that_does_not_answer_may_have_been_told_any_of_these() -> None:
    assert KafkaConnection("k:9092").named_by == "DOSSIER_KAFKA"
    assert KafkaConnection("k:9092", security="SSL").named_by == "DOSSIER_KAFKA, DOSSIER_KAFKA_CA"
    assert SETTINGS.kafka.named_by == "DOSSIER_KAFKA, DOSSIER_KAFKA_USER, DOSSIER_KAFKA_PASSWORD, DOSSIER_KAFKA_CA"
