"""`dossier alerts` as a person and a receiver meet it, on what a worker says of late dossiers."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.connection import KafkaConnection
from schemas.events import Received, Resolved, TermSet
from tests.cli.commands import Run, environment
from tests.counted_topic import publish
from tests.streams.alerts.test_webhook import Receiver
from tests.streams.cases import said

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

NOW = datetime.now(UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    # It is being mended when the first delivery comes.
    found = Receiver(503, *[200] * 10)
    yield found
    found.close()


@pytest.fixture
def sender(deployed: dict[str, str], receiver: Receiver, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = send(receiver, tmp_path, deployed)
    yield process
    process.kill()
    process.communicate()


def send(receiver: Receiver, folder: Path, deployed: dict[str, str]) -> subprocess.Popen[str]:
    """`dossier alerts send` to this receiver, of everything there ever was."""
    named = {"webhook": receiver.webhook.url, "webhook_secret": receiver.webhook.secret.reveal()}
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "alerts", "send", "--everything"],
        env=environment(data=folder, **deployed, **named),
        stderr=subprocess.PIPE,
        text=True,
    )


def taken(receiver: Receiver) -> list[tuple[str, str, str]]:
    """What the receiver took: dossier, state and level, in the order in which it came."""
    bodies = [json.loads(body) for _, body in receiver.received[1:]]
    return [(alert["dossier"], alert["state"], alert["level"]) for body in bodies for alert in body["alerts"]]


def await_(holds: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_from_the_term_to_the_receiver(
    dossier: Run,
    deployed: dict[str, str],
    kafka: KafkaConnection,
    worker: subprocess.Popen[str],
    receiver: Receiver,
    sender: subprocess.Popen[str],
    tmp_path: Path,
) -> None:
    term = NOW - timedelta(hours=1)
    publish(
        kafka,
        said(Received, "2026-03-02 08:00", dossier="D1", agency="Sở Xây dựng", procedure="1.004194"),
        said(TermSet, "2026-03-02 08:01", dossier="D1", term=term),
    )
    await_(lambda: taken(receiver), sender)
    assert taken(receiver) == [("D1", "raised", "overdue")]
    listed = dossier("alerts", "list", **deployed)
    assert listed.code == 0
    first, line = listed.out.splitlines()
    assert first == "1 alert that stands"
    assert line.split()[0] == "1"
    assert "raised" in line
    assert "overdue       Sở Xây dựng" in line
    assert dossier("alerts", "list", "--agency", "O'Brien", **deployed).out == "0 alerts that stand\n"

    sender.send_signal(signal.SIGTERM)
    assert sender.wait(20) == 0
    publish(kafka, said(Resolved, "2026-03-20 08:00", dossier="D1"))
    again = send(receiver, tmp_path, deployed)
    try:
        await_(lambda: len(taken(receiver)) > 1, again)
    finally:
        again.kill()
        again.communicate()
    assert taken(receiver) == [("D1", "raised", "overdue"), ("D1", "cleared", "overdue")]
    assert dossier("alerts", "list", **deployed).out == "0 alerts that stand\n"
    everything = json.loads(dossier("alerts", "list", "--all", "--json", "--dossier", "D1", **deployed).out)
    assert everything["total"] == 2
    assert [(alert["seq"], alert["state"], alert["why"]) for alert in everything["alerts"]] == [
        (2, "cleared", "resolved"),
        (1, "raised", "compared"),
    ]
    assert worker.poll() is None


def test_sending_needs_an_address(dossier: Run, deployed: dict[str, str]) -> None:
    ended = dossier("alerts", "send", **deployed)
    assert ended.code == 2
    assert ended.reason == "DOSSIER_WEBHOOK and DOSSIER_WEBHOOK_SECRET must both be set to deliver alerts"
