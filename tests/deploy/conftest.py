"""A ClickHouse server in a process of its own, for the tests of this folder."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from clickhouse_driver import Client

START_SECONDS = 30.0


def await_server(port: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"no server on port {port}, exit code {process.poll()}")


@pytest.fixture(scope="session")
def start_clickhouse() -> Iterator[Callable[[Path, int], "subprocess.Popen[str]"]]:
    """Starts a server over a directory and waits until it answers; it is killed at the end at the latest."""
    with ExitStack() as stack:

        def start(data: Path, port: int) -> "subprocess.Popen[str]":
            command = [sys.executable, "-m", "deploy.embedded.clickhouse", str(data), "--port", str(port)]
            command += ["--readable", "test_*"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            stack.callback(process.communicate)
            stack.callback(process.kill)
            await_server(port, process)
            return process

        yield start


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    def choose() -> int:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
        return port

    return choose


@pytest.fixture(scope="session")
def clickhouse_port(
    start_clickhouse: Callable[[Path, int], "subprocess.Popen[str]"],
    free_port: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[int]:
    """The port of one server for all tests, which must have lived through all of them."""
    port = free_port()
    process = start_clickhouse(tmp_path_factory.mktemp("clickhouse"), port)
    yield port
    process.terminate()
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in errors, errors


@pytest.fixture
def connect(clickhouse_port: int) -> Iterator[Callable[..., Client]]:
    """Makes clients of the server, with the driver's own options."""
    with ExitStack() as stack:

        def make(**options: object) -> Client:
            client = Client("127.0.0.1", port=clickhouse_port, **options)
            stack.callback(client.disconnect)
            return client

        yield make


@pytest.fixture(params=[False, "lz4"], ids=["plain", "lz4"])
def client(connect: Callable[..., Client], request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client in an own database, with and without compression."""
    database = f"test_{time.monotonic_ns()}"
    connect().execute(f"CREATE DATABASE {database}")
    yield connect(compression=request.param, database=database)
    connect().execute(f"DROP DATABASE {database}")
