"""Servers that send too much, too deep, too slowly, or something else than was asked for."""

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
import requests

from streams.http.client import Answer, Unbounded, ask

pytestmark = pytest.mark.loopback
OK = b"HTTP/1.1 200 OK\r\n"
Serve = Callable[[socket.socket], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Serve], str]]:
    """Starts a server that does this with its connection, and gives its address."""
    listening: list[socket.socket] = []
    over = threading.Event()

    def start(answer: Serve) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listening.append(listener)

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.recv(65536)
                    answer(connection)
                except OSError:
                    pass  # the client has gone

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    over.set()
    for listener in listening:
        listener.close()


def dripping(head: bytes, what: bytes) -> Serve:
    """Sends the head, and then this for ever, slowly."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(what)
            time.sleep(0.02)

    return answer


def flooding(head: bytes) -> Serve:
    """Sends the head, and then 400 MB."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(400):
            connection.sendall(bytes(1 << 20))

    return answer


ENDLESS: dict[str, Serve] = {
    "nothing": lambda _: time.sleep(2),
    "a head": dripping(OK + b"X-A: ", b"x"),
    "headers": dripping(OK, b"X: y\r\n"),
    "continue, for ever": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body": dripping(OK + b"\r\n", b"x"),
    "chunks": dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_request_ends_in_its_time_however_slowly_an_answer_comes(serve: Callable[[Serve], str], name: str) -> None:
    url = serve(ENDLESS[name])
    began = time.monotonic()
    with pytest.raises(requests.RequestException):
        ask("GET", url, seconds=0.4, most_bytes=1 << 20)
    assert time.monotonic() - began < 3


LARGE: dict[str, bytes] = {
    "until it closes": OK + b"\r\n",
    "of a length": OK + b"Content-Length: 419430400\r\n\r\n",
    "in one chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n19000000\r\n",
    "in a head": OK + b"X: ",
    "in a chunk's length": OK + b"Transfer-Encoding: chunked\r\n\r\n",
    "of a redirection": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 419430400\r\n\r\n",
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("most", [0, 1 << 20])
def test_a_large_answer_takes_no_memory(serve: Callable[[Serve], str], name: str, most: int) -> None:
    url = serve(flooding(LARGE[name]))
    tracemalloc.start()
    try:
        answer = ask("GET", url, seconds=20, most_bytes=most)
    except requests.RequestException:
        pass
    else:
        assert answer.body == b""
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 8 << 20


def test_what_is_compressed_is_not_unpacked(serve: Callable[[Serve], str]) -> None:
    bomb = gzip.compress(bytes(64 << 20))
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    url = serve(lambda connection: connection.sendall(head + bomb))
    with pytest.raises(Unbounded, match="is compressed"):
        ask("GET", url, seconds=10, most_bytes=1 << 20)


def test_a_redirection_is_told_and_not_followed(serve: Callable[[Serve], str]) -> None:
    head = b"HTTP/1.1 301 M\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n"
    url = serve(lambda connection: connection.sendall(head))
    assert ask("GET", url, seconds=10, most_bytes=10) == Answer(301, b"", "http://x/")


def test_an_answer_is_read_whole_and_as_long_as_it_may_be(serve: Callable[[Serve], str]) -> None:
    said = b'{"a":[1,2]}'
    head = OK + b"Content-Length: %d\r\n\r\n" % len(said)
    answer = ask("GET", serve(lambda connection: connection.sendall(head + said)), seconds=10, most_bytes=len(said))
    assert (answer.status, answer.json()) == (200, {"a": [1, 2]})
    with pytest.raises(Unbounded, match="more than 10 bytes"):
        ask("GET", serve(lambda connection: connection.sendall(head + said)), seconds=10, most_bytes=10)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000, b"[" * 200 + b"]" * 200, b'{"a":' * 200])
def test_what_is_no_json_or_too_deep_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"no JSON|nested more than 100 deep"):
        Answer(200, body, "").json()
    assert Answer(200, b"[" * 99 + b"]" * 99, "").json()
