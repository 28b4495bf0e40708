"""HTTP requests to servers that may be broken or mean harm: what an answer may cost in memory and time is bounded.

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
    """The answer is larger or deeper than any that is expected, or compressed although nobody asked for it."""


class Answer(Struct, frozen=True):
    """What came back; `location` is where a redirection points, which is never followed."""

    status: int
    body: bytes
    location: str

    def json(self) -> Any:
        """The body as JSON; raises ValueError where it is none, or nested deeper than anything sensible."""
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
    """Send one request on a connection of its own and read the answer; of 0 `most_bytes` only its head.

    From connecting to the last byte it may take so many seconds. Raises requests.RequestException: Timeout where it
    takes longer, Unbounded for what is not to be read.
    """
    # Last in `sent`: nobody may ask for compression.
    sent = {**(headers or {}), "Accept-Encoding": "identity", "Connection": "close"}
    with _Line(seconds) as line, _Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(line))
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
            if line.is_cut:
                raise requests.Timeout(f"no whole answer came within {seconds:g} s") from error
            if isinstance(error, requests.RequestException):
                raise
            raise requests.ConnectionError(str(error)) from error
        if line.is_cut:  # what was cut off may look like an end
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


class _Line:
    """The connection of one request, which is cut when its time is over, whatever is being waited for on it."""

    def __init__(self, seconds: float) -> None:
        self.is_cut = False
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
        """Keep a handle of our own: TLS takes the connection's own one away."""
        with self._lock:
            self._connections.append(connection.dup())
            if self.is_cut:
                connection.shutdown(socket.SHUT_RDWR)

    def _cut(self) -> None:
        with self._lock:
            self.is_cut = True
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Session(requests.Session):
    """A session that does not look where a redirection leads: it would read its body whole."""

    def get_redirect_target(self, _: requests.Response) -> None:
        """Nowhere."""


class _Adapter(HTTPAdapter):
    """The way of `requests` to connections that the line holds; proxies and certificates are as ever."""

    def __init__(self, line: _Line) -> None:
        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                connection = super()._new_conn()
                line.hold(connection)
                return connection

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                connection = super()._new_conn()
                line.hold(connection)
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
