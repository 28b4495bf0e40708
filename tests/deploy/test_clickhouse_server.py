"""The server as a process: how it starts, stops, and dies without losing what it acknowledged."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import Error

from tests.thorough import sized

pytestmark = pytest.mark.clickhouse

Start = Callable[[Path, int], "subprocess.Popen[str]"]


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.embedded.clickhouse", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_it_refuses_what_it_cannot_use_in_one_line(clickhouse_port: int, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for arguments, reason in (
        ((tmp_path / "data", "--port", clickhouse_port), "cannot be listened on"),
        ((tmp_path / "file" / "data", "--port", 0), "cannot be written"),
        (("/proc/data", "--port", 0), "cannot be written"),
        ((tmp_path / "da*ta", "--port", 0), "choose a path"),
        ((tmp_path / "data", "--port", 0, "--timezone", "Mars/Olympus"), "no time zone"),
    ):
        ended = run(*arguments)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
        assert reason in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_while_queries_run(
    start_clickhouse: Start, free_port: Callable[[], int], tmp_path: Path, number: signal.Signals
) -> None:
    port = free_port()
    process = start_clickhouse(tmp_path / "data", port)
    second = run(tmp_path / "data", "--port", 0)
    assert (second.returncode, len(second.stderr.splitlines())) == (2, 1), second.stderr
    assert "in use by another server" in second.stderr
    ended: list[BaseException] = []

    def wait_forever() -> None:
        try:
            Client("127.0.0.1", port=port).execute(
                "SELECT sum(sleepEachRow(0.05)) FROM numbers(100000) SETTINGS max_block_size = 1"
            )
        except (Error, EOFError, OSError) as error:
            ended.append(error)

    thread = threading.Thread(target=wait_forever)
    thread.start()
    observer = Client("127.0.0.1", port=port)
    deadline = time.monotonic() + 10
    while observer.execute("SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%'")[0][0] < 2:
        assert time.monotonic() < deadline
    start = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, time.monotonic() - start < 5) == (0, True)
    assert "Traceback" not in errors
    thread.join(timeout=5)
    observer.disconnect()
    assert ended


def test_it_serves_as_a_context_manager_with_zone_and_users(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from clickhouse_driver import Client
from deploy.embedded.clickhouse.server import Server
from deploy.embedded.clickhouse.users import User

users = [User("analyst", "secret", reads_only=True)]
with Server(Path(sys.argv[1]), timezone="Asia/Ho_Chi_Minh", users=users) as server:
    client = Client("127.0.0.1", port=server.port, user="analyst", password="secret")
    print(client.execute("SELECT timezone(), getSetting('readonly')"))
    client.disconnect()
assert "secret" not in repr(users)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "data")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "[('Asia/Ho_Chi_Minh', 1)]\n"


def test_killed_at_any_moment_it_keeps_what_it_acknowledged(
    start_clickhouse: Start, free_port: Callable[[], int], tmp_path: Path
) -> None:
    """Inserts of 50 rows run until the server is killed; each is there whole when acknowledged, else whole or not."""
    chance, port, acknowledged, uncertain = random.Random(7), free_port(), set[int](), set[int]()
    size, batch = 50, 0
    for round_number in range(sized(2, 5)):
        process = start_clickhouse(tmp_path / "data", port)
        client = Client("127.0.0.1", port=port, compression="lz4")
        client.execute("CREATE DATABASE IF NOT EXISTS kept")
        client.execute("CREATE TABLE IF NOT EXISTS kept.t (batch UInt32, s String) ENGINE = MergeTree ORDER BY batch")
        found = dict(client.execute("SELECT batch, count() FROM kept.t GROUP BY batch"))
        assert acknowledged <= found.keys() <= acknowledged | uncertain
        assert set(found.values()) <= {size}
        threading.Timer(chance.uniform(0.05, 0.4), process.kill).start()
        done = len(acknowledged)
        while True:
            batch += 1
            uncertain.add(batch)
            try:
                client.execute("INSERT INTO kept.t VALUES", [(batch, f"row {row}" * 20) for row in range(size)])
            except (Error, EOFError, OSError):
                break
            acknowledged.add(batch)
        client.disconnect()
        process.wait()
        assert len(acknowledged) > done, f"round {round_number} acknowledged nothing"
    start_clickhouse(tmp_path / "data", port)
    client = Client("127.0.0.1", port=port)
    found = dict(client.execute("SELECT batch, count() FROM kept.t GROUP BY batch"))
    client.disconnect()
    assert acknowledged <= found.keys() <= acknowledged | uncertain
    assert set(found.values()) == {size}
    assert list((tmp_path / "data" / "incoming").iterdir()) == []
