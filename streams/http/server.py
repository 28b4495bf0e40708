"""A small HTTP server for Prometheus and supervisors, on threads of its own.

It must not disturb the process that it serves: a request has ten seconds in all, a handful are answered at a time, and
beyond that the oldest one is closed.
"""

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, TypeAlias

import msgspec

from streams.errors import AddressTaken

_REQUEST_SECONDS = 10.0
_AT_ONCE = 16
_STOP_SECONDS = 0.1
_LONGEST_PATH = 200

Page: TypeAlias = Callable[[], tuple[bool, bytes, str]]
"""Whether the process is healthy (200, else 503), the content and its type."""

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics_page(page: Callable[[], bytes]) -> Page:
    """A page of metrics; its status is always 200."""
    return lambda: (True, page(), _METRICS_TYPE)


def json_page(read: Callable[[], tuple[bool, object]]) -> Page:
    """A page with a small JSON object; `read` returns whether the process is healthy, and the object."""

    def page() -> tuple[bool, bytes, str]:
        is_healthy, value = read()
        return is_healthy, msgspec.json.encode(value) + b"\n", "application/json"

    return page


@contextmanager
def served(address: tuple[str, int], named_by: str, pages: Mapping[str, Page]) -> Iterator[tuple[str, int]]:
    """Serve these pages by their paths within the block; its value is the address, with the port that port 0 became.

    Raises AddressTaken where it cannot be listened on; the message says that `named_by` set the address.
    """
    try:
        server = _Server(address, pages)
    except OSError as error:
        host, port = address
        raise AddressTaken(
            f"{named_by}={host}:{port} cannot be listened on: {error.strerror or error}; stop the process "
            "that uses it, or name another address"
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(_STOP_SECONDS,), name="metrics", daemon=True)
    thread.start()
    try:
        yield address[0], server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingMixIn, TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], pages: Mapping[str, Page]) -> None:
        self.pages = pages
        self._open: deque[socket.socket] = deque()
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__((address[0].strip("[]"), address[1]), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.append(request)
            if len(self._open) > _AT_ONCE:
                with suppress(OSError):
                    self._open.popleft().shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock, suppress(ValueError):
            self._open.remove(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: the client sent nonsense or left early."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _REQUEST_SECONDS
    server_version = "dossier"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        # The timeout is for each read, and a client may send a byte at a time.
        self._end = threading.Timer(_REQUEST_SECONDS, self._cut)
        self._end.daemon = True
        self._end.start()

    def finish(self) -> None:
        self._end.cancel()
        super().finish()

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            paths = ", ".join(self.server.pages)
            self._answer(404, f"{self.path[:_LONGEST_PATH]} is not here: {paths}\n".encode(), "text/plain")
            return
        is_healthy, content, kind = page()
        self._answer(200 if is_healthy else 503, content, kind)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's
        """Keep no log of requests."""

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _cut(self) -> None:
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)
