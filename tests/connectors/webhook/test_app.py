"""The webhook over its real HTTP server, with an inbox in memory."""

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from connectors.errors import WrongMapping
from connectors.inbox.event_record import events_of_record
from connectors.webhook import app as webhook
from connectors.webhook.app import MAX_BODY, make_app
from connectors.webhook.hooks import Hook, load_hooks
from connectors.webhook.signature import SIGNATURE, TIMESTAMP, sign
from schemas.connection import Secret
from schemas.partition import partition_of
from tests.connectors.conftest import MemoryTransport

pytestmark = pytest.mark.loopback

SAMPLES = Path(__file__).parents[3] / "samples"
RECORDS = (SAMPLES / "education.jsonl").read_bytes().splitlines()
KEY = "signs for the schools"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Server:
    """The application on a thread of its own; `now` is its clock."""

    def __init__(self, hooks: dict[str, Hook], inbox: MemoryTransport) -> None:
        self.now = NOW
        app = make_app(hooks, inbox, lambda: self.now)
        config = uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off")
        self._socket = config.bind_socket()
        self.port = self._socket.getsockname()[1]
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve([self._socket])))

    def __enter__(self) -> "Server":
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def post(
        self, body: bytes, name: str = "schools", at: datetime = NOW, key: str = KEY
    ) -> tuple[int, dict[str, Any]]:
        timestamp = f"{at.timestamp():.3f}"
        headers = {TIMESTAMP: timestamp, SIGNATURE: sign(Secret(key), timestamp, body)}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/hook/{name}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # our own server
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


@pytest.fixture
def hooks(tmp_path: Path) -> Path:
    for name in ("education.toml", "education-units.csv"):
        (tmp_path / name).write_bytes((SAMPLES / name).read_bytes())
    secret = tmp_path / "secret"
    secret.write_text(KEY + "\n")
    secret.chmod(0o600)
    file = tmp_path / "hooks.toml"
    file.write_text('[hooks.schools]\nmapping = "education.toml"\nsecret_files = ["secret"]\n')
    return file


@pytest.fixture
def server(hooks: Path, memory: MemoryTransport) -> Iterator[Server]:
    with Server(load_hooks(hooks), memory) as server:
        yield server


def test_a_signed_request_is_mapped_into_the_inbox(server: Server, memory: MemoryTransport) -> None:
    assert server.post(b"[" + b",".join(RECORDS) + b"]") == (202, {"events": 8, "put_aside": []})
    events = memory.events()
    assert len(events) == 8
    assert {partition for partition, _ in events} == {partition_of("H26.50-260105-0001", memory.partitions)}
    assert b"Nguy" not in b"".join(value for _, value in memory.records)


def test_the_same_request_again_says_the_very_same(server: Server, memory: MemoryTransport) -> None:
    for _ in range(2):
        assert server.post(RECORDS[1])[0] == 202
        server.now += timedelta(seconds=60)
    first, second = (value for _, value in memory.records)
    assert first == second


def test_what_does_not_fit_is_told_and_put_aside_with_its_reason(server: Server, memory: MemoryTransport) -> None:
    odd = RECORDS[0].replace(b"THPT.01", b"THPT.99")
    status, told = server.post(b"[" + odd + b"," + RECORDS[1] + b"]")
    assert (status, told["events"]) == (202, 7)
    (aside,) = told["put_aside"]
    assert (aside["item"], aside["field"]) == (0, "$.hoSo.donVi")
    rejections = [each for _, value in memory.records for each in events_of_record(value, NOW).rejections]
    assert [(each.reason, each.field, each.detail) for each in rejections] == [
        ("unmapped", "$.hoSo.donVi", aside["reason"])
    ]
    assert json.loads(rejections[0].content)["hoSo"]["donVi"] == " THPT.99 "
    assert b"0900000000" not in rejections[0].content


def test_a_request_that_is_not_signed_changes_nothing(server: Server, memory: MemoryTransport) -> None:
    assert server.post(RECORDS[0], key="signs for somebody else")[0] == 401
    assert server.post(RECORDS[0], at=NOW - timedelta(minutes=6))[0] == 401
    unknown, known = server.post(RECORDS[0], name="none"), server.post(RECORDS[0], key="x" * 20)
    assert unknown == known
    assert memory.records == []


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"", 400), (b" " * (MAX_BODY + 1), 413)])
def test_a_body_that_cannot_be_read_is_told(server: Server, memory: MemoryTransport, body: bytes, status: int) -> None:
    assert server.post(body)[0] == status
    assert memory.records == []


def test_nothing_is_acknowledged_that_kafka_has_not(server: Server, memory: MemoryTransport) -> None:
    memory.failure = RuntimeError("away")
    assert server.post(RECORDS[0]) == (503, {"error": "the inbox does not answer: send it again"})
    memory.failure = None
    assert server.post(RECORDS[0])[0] == 202


def test_while_too_many_wait_for_kafka_others_are_asked_to_come_again(
    server: Server, memory: MemoryTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "AT_ONCE", 1)
    memory.held = True
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(server.post(RECORDS[0])[0]))
    waiting.start()
    assert memory.wait_for(1)
    assert server.post(RECORDS[1])[0] == 503
    time.sleep(0.05)
    assert answers == []
    memory.release()
    waiting.join()
    assert answers == [202]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: (path / "secret").chmod(0o644), "others can read .*secret: `chmod 600` it"),
        (lambda path: (path / "secret").write_text("short"), "has 5 characters, it needs 16 or more"),
        (lambda path: (path / "secret").unlink(), "the secret .* cannot be read"),
        (lambda path: (path / "education.toml").unlink(), "the mapping cannot be read"),
        (lambda path: (path / "hooks.toml").write_text("[hooks]"), "there is no hook"),
        (lambda path: (path / "hooks.toml").write_text("[hook.a]"), "unknown field"),
        (lambda path: (path / "hooks.toml").unlink(), "No such file"),
    ],
)
def test_wrong_hooks_are_told_without_a_secret(hooks: Path, change: Any, message: str) -> None:
    change(hooks.parent)
    with pytest.raises(WrongMapping, match=message) as told:
        load_hooks(hooks)
    assert KEY not in str(told.value)
