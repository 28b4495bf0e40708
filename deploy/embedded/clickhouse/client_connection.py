"""One connection of a client: its login, its queries one after another, and their cancellation."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import IO

from deploy.embedded.clickhouse import packets
from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.errors import (
    CANCELLED,
    LIMIT_EXCEEDED,
    LOGIN,
    NO_SUCH_COLUMN,
    UNEXPECTED_PACKET,
    ProtocolError,
    ServerError,
)
from deploy.embedded.clickhouse.native_blocks import Columns, header
from deploy.embedded.clickhouse.owner_session import OwnerSession
from deploy.embedded.clickhouse.packets import ClientPacket, ServerPacket
from deploy.embedded.clickhouse.reader_session import ReaderSession
from deploy.embedded.clickhouse.session import QueryStatistics, Session
from deploy.embedded.clickhouse.statements import Insert, parse_insert
from deploy.embedded.clickhouse.users import User
from deploy.embedded.clickhouse.wire_format import Reader

HELLO_SECONDS = 10
SEND_TIMEOUT = struct.pack("ll", 60, 0)
RECEIVE_SIZE = 1 << 18
TABLES_LIMIT = 50


class Connection:
    """Serves one client until it disconnects.

    `serve` raises OSError when the connection breaks. `kill_if_cancelled` and `hang_up` may be called from any thread,
    everything else only from the thread that serves.
    """

    def __init__(self, client: socket.socket, engine: Engine, users: Sequence[User]) -> None:
        self._client = client
        self._engine = engine
        self._users = users
        self._reader = Reader(self._receive)
        self._login_deadline: float | None = time.monotonic() + HELLO_SECONDS
        self._compressed = False
        self._running = ""  # the tag of the session while its query runs
        self._slots = ExitStack()
        self._changes = threading.Lock()
        self._cancelled = False

    def serve(self) -> None:
        """Answer until the client disconnects or violates the protocol."""
        self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            with self._slots, closing(self._log_in()) as session:
                self._login_deadline = None
                self._client.settimeout(None)
                while True:
                    self._answer(session)
        except EOFError:
            return
        except ServerError as error:
            self._client.sendall(packets.exception(error))

    def kill_if_cancelled(self) -> None:
        """Kill the running query when its client has cancelled it or disconnected; to be called periodically."""
        with self._changes, suppress(OSError):
            if self._running:
                # A cancel may have been received with the query, or still be in the socket.
                waiting = self._reader.waiting[:1] or self._client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
                if waiting in (b"", bytes([ClientPacket.CANCEL])):
                    # A client that only stopped sending gets the error: an end of stream would acknowledge an insert.
                    self._cancelled = bool(waiting)
                    self._engine.kill(self._running)

    @property
    def is_logging_in(self) -> bool:
        """Whether the client has not logged in yet."""
        return self._login_deadline is not None

    def hang_up(self) -> None:
        """End the connection; a thread that waits for the client wakes up."""
        with suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)

    def _answer(self, session: Session) -> None:
        """Handle one packet and everything that belongs to it."""
        match self._reader.varint():
            case ClientPacket.QUERY:
                try:
                    self._query(session)
                except ProtocolError:
                    raise
                except ServerError as error:
                    if not self._cancelled:
                        self._client.sendall(packets.exception(error))
                        return
                self._send(ServerPacket.END_OF_STREAM)
            case ClientPacket.PING:
                self._send(ServerPacket.PONG)
            case ClientPacket.CANCEL:
                # It arrived after the end of its query.
                pass
            case packet:
                raise packets.unexpected(packet)

    def _receive(self) -> bytes:
        if self._login_deadline is not None:
            # A limit for the whole login: a client that sends a byte now and then must not occupy a connection.
            self._client.settimeout(max(self._login_deadline - time.monotonic(), 0.001))
        return self._client.recv(RECEIVE_SIZE)

    def _log_in(self) -> Session:
        hello, engine = packets.read_hello(self._reader), self._engine
        user = next((user for user in self._users if user.name == (hello.user or "default")), None)
        if user is None or not user.knows(hello.password):
            text = "Authentication failed: password is incorrect, or there is no user with such name"
            raise ServerError(LOGIN, f"{hello.user}: {text}")
        session: Session
        if user.reads_only:
            self._slots.enter_context(engine.reader_slots.connected())
            # A client that does not receive its answer must not keep its slot for ever.
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, SEND_TIMEOUT)
            session = ReaderSession(engine, user.name, hello.database)
        else:
            session = OwnerSession(engine, hello.database)
        self._client.sendall(packets.hello(engine.version, engine.timezone))
        return session

    # Queries

    def _query(self, session: Session) -> None:
        self._cancelled = False
        sql, settings, self._compressed = packets.read_query(self._reader)
        statistics = QueryStatistics()
        with ExitStack() as stack:
            tables = self._read_tables(session, stack)
            session.apply(settings)
            sql = session.check(sql)
            for name, (columns, file) in tables.items():
                session.create_external(name, columns, file)
                stack.callback(session.drop_external, name)
            if insert := parse_insert(sql):
                self._insert(session, insert, statistics)
            else:
                self._run(session, sql, statistics)

    def _read_tables(self, session: Session, stack: ExitStack) -> dict[str, tuple[Columns, IO[bytes]]]:
        """The external tables that come with a query."""
        files: dict[str, IO[bytes]] = {}
        tables: dict[str, tuple[Columns, IO[bytes]]] = {}

        def spool(table: str) -> IO[bytes]:
            if table not in files:
                if len(files) == TABLES_LIMIT:
                    raise ProtocolError(LIMIT_EXCEEDED, f"a query with more than {TABLES_LIMIT} tables")
                files[table] = stack.enter_context(session.spool())
            return files[table]

        while block := self._read_block(spool):
            table, columns = block
            if table in tables and tables[table][0] != columns:
                raise ProtocolError(UNEXPECTED_PACKET, f"the blocks of table {table!r} have different columns")
            tables[table] = (columns, spool(table))
        return tables

    def _read_block(self, spool: Callable[[str], IO[bytes]]) -> tuple[str, Columns] | None:
        """Read the next block into the file of its table; None for the empty block at the end."""
        if (packet := self._reader.varint()) == ClientPacket.CANCEL:
            self._cancelled = True
            raise ServerError(CANCELLED, "Query was cancelled")
        if packet != ClientPacket.DATA:
            raise packets.unexpected(packet)
        return packets.read_block(self._reader, self._compressed, spool)

    def _run(self, session: Session, sql: str, statistics: QueryStatistics) -> None:
        with self._cancellable(session), closing(session.run(sql, statistics)) as blocks:
            for block in blocks:
                self._client.sendall(packets.data(block, self._compressed))
        self._send_progress(statistics)
        rows, size = statistics.rows, statistics.size
        self._send(ServerPacket.PROFILE_INFO, rows, statistics.blocks, size, 0, rows, 0)

    def _insert(self, session: Session, insert: Insert, statistics: QueryStatistics) -> None:
        with session.spool() as file:
            expected = session.insert_columns(insert)
            self._client.sendall(packets.data(header(expected), self._compressed))
            names, wrong = sorted(name for name, _ in expected), ""
            while block := self._read_block(lambda _: file):
                if (given := sorted(name for name, _ in block[1])) != names:
                    wrong = f"a block has the columns {given}, the insert expects {names}"[:1000]
            if wrong:
                raise ServerError(NO_SUCH_COLUMN, wrong)
            with self._cancellable(session):
                session.insert(insert, file, statistics)
        self._send_progress(statistics)

    @contextmanager
    def _cancellable(self, session: Session) -> Iterator[None]:
        self._running = session.tag
        try:
            yield
        finally:
            # Waits for a kill that is under way, which would otherwise hit the next query.
            with self._changes:
                self._running = ""

    def _send_progress(self, statistics: QueryStatistics) -> None:
        self._send(ServerPacket.PROGRESS, statistics.read_rows, statistics.read_size, 0, statistics.written_rows, 0)

    def _send(self, *values: int) -> None:
        self._client.sendall(packets.numbers(*values))
