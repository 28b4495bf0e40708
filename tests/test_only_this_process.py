"""A test that does not say what it needs gets nothing of it, even where the code under test swallows all errors."""

import contextlib
import socket
import subprocess
import sys

import pytest

CONNECTS = r"a test without a marker opens a connection: \(\('127\.0\.0\.1', 9\),\)"


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_a_test_without_a_marker_opens_no_connection(method: str) -> None:
    with socket.socket() as one, pytest.raises(pytest.fail.Exception, match=CONNECTS), contextlib.suppress(Exception):
        getattr(one, method)(("127.0.0.1", 9))


def test_a_test_without_a_marker_starts_no_process() -> None:
    with pytest.raises(pytest.fail.Exception, match="starts a process"), contextlib.suppress(Exception):
        subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.mark.process
def test_a_test_of_processes_opens_no_connection() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)
    with socket.socket() as one, pytest.raises(pytest.fail.Exception, match=CONNECTS):
        one.connect(("127.0.0.1", 9))


@pytest.mark.loopback
def test_a_test_with_a_server_of_its_own_opens_connections(unused_port: int) -> None:
    with socket.create_server(("127.0.0.1", unused_port)) as server:
        socket.create_connection(server.getsockname()).close()
