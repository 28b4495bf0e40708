"""HTTP requests to servers that may be broken or hostile: the memory and time of an answer are bounded.

`requests` alone bounds neither: its time limit is one of each read, a redirection's body is read whole, and a few
kilobytes of gzip become gigabytes.
"""

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

import msgspec
import requests
import urllib3
from msgspec import Struct
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection

_AT_ONCE = 64 * 1024
_DEEPEST = 100


class Unbounded(requests.RequestException):
    """The answer is larger or deeper than expected, or compressed although that was not asked for."""


class Answer(Struct, frozen=True):
    """The answer; `location` is the target of a redirection, which is never followed."""

    status: int
    body: bytes
    location: str

    def json(self) -> Any:
        """The body as JSON; raises ValueError where it is not JSON, or nested too deeply."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError("is no JSON") from error
        level, depth = [found], 0
        while level := [each for value in level if isinstance(value, dict | list) for each in _within(value)]:
            depth += 1
            if depth > _DEEPEST:
                raise ValueError(f"is nested more than {_DEEPEST} deep")
        return found


def ask(
    method: str,
    url: str,
    *,
    seconds: float,
    most_bytes: int,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    auth: AuthBase | None = None,
) -> Answer:
    """Send one request on a connection of its own and read the answer; with 0 `most_bytes` only its head.

    It takes at most so many seconds from connecting to the last byte. Raises requests.RequestException: Timeout where
    it takes longer, Unbounded for an answer that must not be read.
    """
    # Last, so that no caller can ask for compression.
    sent = {**(headers or {}), "Accept-Encoding": "identity", "Connection": "close"}
    with _Deadline(seconds) as deadline, _Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(deadline))
        try:
            answer = session.request(
                method,
                url,
                data=body,
                headers=sent,
                auth=auth,
                timeout=seconds,
                allow_redirects=False,
                stream=True,
            )
            content = _read(answer, most_bytes) if most_bytes else b""
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if deadline.has_passed:
                raise requests.Timeout(f"no whole answer came within {seconds:g} s") from error
            if isinstance(error, requests.RequestException):
                raise
            raise requests.ConnectionError(str(error)) from error
        if deadline.has_passed:  # a closed connection may look like the end of the answer
            raise requests.Timeout(f"no whole answer came within {seconds:g} s")
        return Answer(answer.status_code, content, answer.headers.get("Location", ""))


def _read(answer: requests.Response, most: int) -> bytes:
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise Unbounded(f"is compressed ({encoding[:20]!r}), though that was not asked for")
    content = bytearray()
    while some := answer.raw.read(_AT_ONCE, decode_content=False):
        content += some
        if len(content) > most:
            raise Unbounded(f"has more than {most} bytes")
    return bytes(content)


def _within(value: dict[str, Any] | list[Any]) -> Any:
    return value.values() if isinstance(value, dict) else value


class _Deadline:
    """Closes the connections of one request when its time is over, whatever waits for them."""

    def __init__(self, seconds: float) -> None:
        self.has_passed = False
        self._connections: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def hold(self, connection: socket.socket) -> None:
        """Keep a duplicate of the socket: TLS takes the connection's own one away."""
        with self._lock:
            self._connections.append(connection.dup())
            if self.has_passed:
                connection.shutdown(socket.SHUT_RDWR)

    def _cut(self) -> None:
        with self._lock:
            self.has_passed = True
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Session(requests.Session):
    """A session that ignores redirections: it would read the body of one completely."""

    def get_redirect_target(self, _: requests.Response) -> None:
        """Nowhere."""


class _Adapter(HTTPAdapter):
    """Makes `requests` use connections that the deadline holds; proxies and certificates work as usual."""

    def __init__(self, deadline: _Deadline) -> None:
        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                connection = super()._new_conn()
                deadline.hold(connection)
                return connection

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                connection = super()._new_conn()
                deadline.hold(connection)
                return connection

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Secure

        self._pools = {"http": PlainPool, "https": SecurePool}
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager
