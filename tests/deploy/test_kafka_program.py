"""The embedded broker's settings."""

import uuid
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.kafka_program import (
    CLUSTER,
    PROPERTIES,
    format_step,
    new_cluster_id,
    prepare_kafka,
    server_properties,
)

LOGIN = ("counter", "hunter2")


def settings(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_everything_listens_on_loopback_only() -> None:
    found = settings(server_properties(20_001, 20_002, *LOGIN))
    assert found["listeners"] == "SASL_PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002"
    assert found["advertised.listeners"] == "SASL_PLAINTEXT://127.0.0.1:20001"
    assert found["controller.quorum.voters"] == "1@127.0.0.1:20002"


def test_whoever_has_no_password_is_no_client_and_no_controller() -> None:
    found = settings(server_properties(20_001, 20_002, *LOGIN))
    assert found["listener.security.protocol.map"] == "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT"
    for listener in ("sasl_plaintext", "controller"):
        login = found[f"listener.name.{listener}.plain.sasl.jaas.config"]
        assert login.endswith('required username="counter" password="hunter2" user_counter="hunter2";')


def test_no_topic_appears_by_itself_and_none_loses_records_by_default() -> None:
    found = settings(server_properties(1, 2, *LOGIN))
    assert found["auto.create.topics.enable"] == "false"
    assert found["log.retention.ms"] == "-1"


def test_internal_topics_need_one_replica() -> None:
    found = settings(server_properties(1, 2, *LOGIN))
    replicas = {name: value for name, value in found.items() if name.endswith((".replication.factor", ".min.isr"))}
    assert len(replicas) == 5
    assert set(replicas.values()) == {"1"}


@given(st.uuids())
def test_a_cluster_id_is_22_characters_and_never_looks_like_an_option(random: uuid.UUID) -> None:
    text = new_cluster_id(random)
    assert len(text) == 22
    assert not text.startswith("-")


def test_the_cluster_id_is_kept_while_the_ports_change(tmp_path: Path) -> None:
    first = prepare_kafka(tmp_path, 20_001, 20_002, *LOGIN)
    assert prepare_kafka(tmp_path, 20_003, 20_004, *LOGIN) == first == (tmp_path / CLUSTER).read_text()
    assert "20003" in (tmp_path / PROPERTIES).read_text()


def test_storage_is_formatted_once(tmp_path: Path) -> None:
    step = format_step(tmp_path, "cluster", [], tmp_path / "log.txt")
    assert step
    assert "cluster" in step.argv
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "meta.properties").write_text("")
    assert format_step(tmp_path, "cluster", [], tmp_path / "log.txt") is None
