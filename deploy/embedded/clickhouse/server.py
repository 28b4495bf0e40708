"""The server: a port, a thread for every client, one that kills cancelled queries, one that refreshes dictionaries."""

import logging
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from deploy.embedded.clickhouse.client_connection import Connection
from deploy.embedded.clickhouse.dictionary_refresh import DictionaryRefresh
from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.users import DEFAULT_USERS, READABLE, User
from deploy.errors import PortTaken
from schemas.errors import DossierError

log = logging.getLogger(__name__)
CONNECTION_LIMIT = 400
LOGIN_LIMIT = 100
"""Of these, clients that have not logged in: they must not occupy the connections of the workers."""
BACKLOG = 128
POLL_SECONDS = 0.1
CLOSE_SECONDS = 10.0


class Server:
    """A ClickHouse server over one data directory; clients are served between `with` and its end.

    Port 0 takes a free one, see `port`. It raises PortTaken or UnusableData. One process can have one server
    at a time, and one data directory in its life; `timezone` becomes the process's own. The owner may read the
    files of this process and passwords are sent as they are, so the host should stay the loopback address.
    """

    def __init__(
        self,
        data: Path,
        port: int = 0,
        host: str = "127.0.0.1",
        timezone: str = "UTC",
        users: Sequence[User] = DEFAULT_USERS,
        readable: Sequence[str] = READABLE,
    ) -> None:
        self._users = users
        self._stopped = threading.Event()
        self._clients: dict[Connection, threading.Thread] = {}
        self._listener = socket.socket()
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((host, port))
            # No client can connect before the engine can answer: an open port means that the server is ready.
            self.engine = Engine(data, timezone, readable)
            self._listener.listen(BACKLOG)
        except OSError as error:
            self._listener.close()
            raise PortTaken(f"{host}:{port} cannot be listened on: {error.strerror}") from None
        except DossierError:
            self._listener.close()
            raise
        self.port: int = self._listener.getsockname()[1]
        self._listener.settimeout(POLL_SECONDS)
        works = (self._accept, self._kill_cancelled, self._refresh_dictionaries)
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Cancel running queries, disconnect clients and release the data directory, within about 10 seconds."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()
        deadline = time.monotonic() + CLOSE_SECONDS
        while (clients := list(self._clients.items())) and time.monotonic() < deadline:
            self.engine.kill()
            for connection, thread in clients:
                connection.hang_up()
                thread.join(POLL_SECONDS)
        self.engine.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError as error:
                # Too many open files: open connections go on, and this is temporary.
                log.warning("a client could not be accepted: %s", error)
                self._stopped.wait(POLL_SECONDS)
                continue
            logging_in = sum(connection.is_logging_in for connection in list(self._clients))
            if len(self._clients) >= CONNECTION_LIMIT or logging_in >= LOGIN_LIMIT:
                log.warning(
                    "a client was refused: %d are connected, %d of them not logged in", len(self._clients), logging_in
                )
                client.close()
                continue
            connection = Connection(client, self.engine, self._users)
            thread = threading.Thread(target=self._serve, args=(connection, client), daemon=True)
            self._clients[connection] = thread
            try:
                thread.start()
            except RuntimeError as error:
                # Too many threads: temporary, too.
                log.warning("a client could not be served: %s", error)
                del self._clients[connection]
                client.close()

    def _serve(self, connection: Connection, client: socket.socket) -> None:
        try:
            with client, suppress(OSError):
                connection.serve()
        except Exception:
            # A fault of one connection must not reach the others.
            log.exception("a connection ended by a fault of the server")
        finally:
            del self._clients[connection]

    def _refresh_dictionaries(self) -> None:
        DictionaryRefresh(self.engine).run(self._stopped)

    def _kill_cancelled(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            for connection in list(self._clients):
                connection.kill_if_cancelled()
