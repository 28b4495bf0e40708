"""Pages on an address of their own: what Prometheus gets, and what hostile clients cannot do."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from streams.errors import AddressTaken
from streams.http import server as endpoint
from streams.http.server import json_page, metrics_page, served

pytestmark = pytest.mark.loopback


@pytest.fixture
def well() -> list[bool]:
    return [True]


@pytest.fixture
def port(well: list[bool]) -> Iterator[int]:
    pages = {
        "/metrics": metrics_page(lambda: b"metric 1.0\n"),
        "/health": json_page(lambda: (well[0], {"state": "so"})),
        "/broken": json_page(lambda: (True, 1 / 0)),
    }
    with served(("127.0.0.1", 0), "--metrics", pages) as (_, port):
        yield port


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def test_pages(port: int, well: list[bool]) -> None:
    assert ask(port, "/metrics") == (200, "text/plain; version=0.0.4; charset=utf-8", b"metric 1.0\n")
    status, kind, content = ask(port, "/health?probe=1")
    assert (status, kind, json.loads(content)) == (200, "application/json", {"state": "so"})
    well[0] = False
    assert ask(port, "/health")[0] == 503


def test_what_is_not_there_is_told_with_what_is(port: int) -> None:
    status, kind, content = ask(port, "/" + "x" * 5000)
    assert (status, kind) == (404, "text/plain")
    assert content.endswith(b" is not here: /metrics, /health, /broken\n")
    assert len(content) < 300


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "CONNECT", "X" * 1000])
def test_other_methods_are_refused(port: int, method: str) -> None:
    assert ask(port, "/metrics", method)[0] == 501
    assert ask(port, "/metrics")[0] == 200


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\0" * 1000,
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET /" + b"y" * 100_000,
        b"X" * 100_000,
    ],
)
def test_nonsense_hurts_nobody(port: int, nonsense: bytes) -> None:
    # It may be cut before all of it was said.
    with socket.create_connection(("127.0.0.1", port), timeout=20) as hostile, suppress(OSError):
        hostile.sendall(nonsense)
        hostile.shutdown(socket.SHUT_WR)
    assert ask(port, "/metrics")[0] == 200


def test_a_request_line_that_is_too_long_is_refused(port: int) -> None:
    # One byte too many and no more: what it has not read when it hangs up could cost the client the answer.
    with socket.create_connection(("127.0.0.1", port), timeout=20) as hostile:
        hostile.sendall(b"X" * 65_537)
        answer = http.client.HTTPResponse(hostile)
        answer.begin()
        assert answer.status == 414
        answer.close()
    assert ask(port, "/metrics")[0] == 200


def test_a_page_that_breaks_hurts_no_other(port: int) -> None:
    with pytest.raises(http.client.HTTPException):
        ask(port, "/broken")
    assert ask(port, "/metrics")[0] == 200


def test_slow_clients_in_numbers_keep_nobody_out_and_hold_no_threads(port: int) -> None:
    with ExitStack() as stack:
        for _ in range(10 * endpoint._AT_ONCE):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            slow.sendall(b"GET /metr")
        assert ask(port, "/metrics")[0] == 200
        # Two a connection at most: one that answers, and its timer; what was cut a moment ago may be ending still.
        assert threading.active_count() < 5 * endpoint._AT_ONCE


def test_a_request_that_comes_a_byte_at_a_time_is_cut(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_REQUEST_SECONDS", 0.5)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
        slow.settimeout(0.05)
        cut = False
        for _ in range(2000):
            try:
                slow.sendall(b"x")
                if not slow.recv(1):
                    cut = True
                    break
            except TimeoutError:
                continue
            except OSError:
                cut = True
                break
        assert cut


def test_an_address_that_is_taken_is_told_with_what_named_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with (
            pytest.raises(AddressTaken, match=rf"^--metrics=127.0.0.1:{port} cannot be listened on: Address already"),
            served(("127.0.0.1", port), "--metrics", {}),
        ):
            pass
    assert AddressTaken.exit_code == 2


def test_a_host_that_is_not_there_is_told() -> None:
    with (
        pytest.raises(AddressTaken, match=r"DOSSIER_METRICS=203\.0\.113\.1:80 "),
        served(("203.0.113.1", 80), "DOSSIER_METRICS", {}),
    ):
        pass


def test_afterwards_nothing_listens(well: list[bool]) -> None:
    with served(("127.0.0.1", 0), "--metrics", {"/": json_page(lambda: (well[0], {}))}) as (_, port):
        assert ask(port, "/")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/")
