"""Two of one command at a time, on a real broker: side by side, after a kill, after a freeze."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from kafka import KafkaConsumer
from kafka.admin import MemberToRemove, NewPartitions
from kafka.errors import RebalanceInProgressError

from schemas.connection import KafkaConnection
from schemas.topics import ALERTS, declared
from streams.broker import exclusive_command, topics
from streams.broker.exclusive_command import ExclusiveCommand
from streams.broker.group import SESSION_SECONDS
from streams.errors import NotExclusive, NotMigrated
from tests.broker import delete_topics
from tests.cli.commands import environment, named

pytestmark = pytest.mark.kafka
HOLDER = """
import os, time
from cli.settings import Settings
from streams.errors import NotExclusive
from streams.broker.exclusive_command import ExclusiveCommand
with ExclusiveCommand(Settings.from_env(os.environ).kafka, "rebuild") as right:
    print("begun", flush=True)
    while True:
        try:
            right.require()
        except NotExclusive as error:
            print(error, flush=True)
            break
        time.sleep(0.05)
"""


@pytest.fixture
def broker(kafka: KafkaConnection) -> Iterator[KafkaConnection]:
    with topics.admin(kafka) as client:
        topics.create(client, next(topic for topic in declared(1, 1) if topic.name == ALERTS))
    yield kafka
    delete_topics(kafka)


@pytest.fixture
def holder(broker: KafkaConnection, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that does it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env=environment(data=tmp_path, **named(broker)),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_one_is_told_whose_the_first_is_and_one_that_was_killed_is_soon_forgotten(
    broker: KafkaConnection, holder: subprocess.Popen[str]
) -> None:
    with (
        pytest.raises(NotExclusive, match=rf"another rebuild runs: .*-{holder.pid}; wait for it"),
        ExclusiveCommand(broker, "rebuild"),
    ):
        pytest.fail("two at a time")
    assert holder.poll() is None
    with ExclusiveCommand(broker, "rewind") as other:
        other.require()
    holder.kill()
    began = time.monotonic()
    with ExclusiveCommand(broker, "rebuild") as right:
        right.require()
    # Entering gives up by itself; what is beyond that is how long a busy machine takes to connect.
    assert time.monotonic() - began < SESSION_SECONDS + 30
    # What ends by itself waits for nothing.
    with ExclusiveCommand(broker, "rebuild") as right:
        right.require()


def test_one_that_was_frozen_hears_that_another_has_begun(
    broker: KafkaConnection, holder: subprocess.Popen[str]
) -> None:
    holder.send_signal(signal.SIGSTOP)
    with ExclusiveCommand(broker, "rebuild") as right:
        holder.send_signal(signal.SIGCONT)
        assert holder.stdout is not None
        assert holder.stdout.readline().startswith(
            "the broker missed this rebuild's heartbeats and may have let another begin"
        )
        right.require()


def test_more_partitions_are_no_more_locks(broker: KafkaConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """For them the holder's client joins again; if it loses that join, which outlasts a poll, it heartbeats no more.

    Either the second is kept out, or the first is stopped.
    """
    monkeypatch.setattr(exclusive_command, "_POLL_MILLISECONDS", 1)
    with ExclusiveCommand(broker, "rebuild") as right:
        right.require()
        with topics.admin(broker) as client:
            client.create_partitions({ALERTS: NewPartitions(2)})
        try:
            with ExclusiveCommand(broker, "rebuild"), pytest.raises(NotExclusive):
                right.require()
        except NotExclusive:
            right.require()


def test_one_that_polls_and_is_not_confirmed_as_a_member_does_not_go_on(
    broker: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exclusive_command, "_ACQUIRE_SECONDS", SESSION_SECONDS)
    with ExclusiveCommand(broker, "rebuild") as right:
        right.require()
        monkeypatch.setattr(KafkaConsumer, "commit", Mock(side_effect=RebalanceInProgressError))
        time.sleep(SESSION_SECONDS)
        with pytest.raises(NotExclusive, match="missed this rebuild's heartbeats"):
            right.require()


def test_one_that_was_thrown_out_does_not_go_on_when_it_is_let_in_again(broker: KafkaConnection) -> None:
    with ExclusiveCommand(broker, "rebuild") as right:
        right.require()
        with topics.admin(broker) as client:
            (member,) = client.describe_groups(["dossier-rebuild"])["dossier-rebuild"]["members"]
            client.remove_group_members("dossier-rebuild", [MemberToRemove(member_id=member["member_id"])])
            while not client.describe_groups(["dossier-rebuild"])["dossier-rebuild"]["members"]:
                time.sleep(0.1)
        time.sleep(SESSION_SECONDS)
        with pytest.raises(NotExclusive, match="may have let another begin"):
            right.require()


def test_without_topics_it_says_what_makes_them(kafka: KafkaConnection) -> None:
    with pytest.raises(NotMigrated, match="run `dossier migrate`"), ExclusiveCommand(kafka, "rebuild"):
        pytest.fail("there is nothing to be exclusive about")
