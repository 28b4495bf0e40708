"""One connection of a client, in ClickHouse's native protocol at revision 54430.

Later revisions add fields, and parameters of queries, which are not supported here. clickhouse-go sends settings in
the form that is read here only from this one on.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from enum import IntEnum
from typing import IO

from deploy.embedded.clickhouse.compressed_frames import compress, decompress
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
from deploy.embedded.clickhouse.native_blocks import BLOCK_INFO, Columns, header, walk_columns
from deploy.embedded.clickhouse.session import Result, Session, Settings
from deploy.embedded.clickhouse.statements import Insert, parse_insert
from deploy.embedded.clickhouse.users import User
from deploy.embedded.clickhouse.wire_format import Reader, text, varint

REVISION = 54430
HELLO_SECONDS = 10
SEND_TIMEOUT = struct.pack("ll", 60, 0)
RECEIVE_SIZE = 1 << 18
QUERY_LIMIT = 64 << 20
SETTING_LIMIT = 1 << 20
SETTINGS_LIMIT = 1000
TABLES_LIMIT = 50


class ClientPacket(IntEnum):
    """What a client sends."""

    HELLO, QUERY, DATA, CANCEL, PING = range(5)


class ServerPacket(IntEnum):
    """What it is sent."""

    HELLO, DATA, EXCEPTION, PROGRESS, PONG, END_OF_STREAM, PROFILE_INFO = range(7)


class Connection:
    """Serves one client until it goes.

    `serve` raises OSError when the connection breaks off. `kill_if_unwanted` and `hang_up` may be called from any
    thread, all else only from the one that serves.
    """

    def __init__(self, client: socket.socket, engine: Engine, users: Sequence[User]) -> None:
        self._client = client
        self._engine = engine
        self._users = users
        self._reader = Reader(self._receive)
        self._greeted_by: float | None = time.monotonic() + HELLO_SECONDS
        self._compressed = False
        self._running = ""  # the tag of the session
        self._places = ExitStack()
        self._changes = threading.Lock()
        self._cancelled = False

    def serve(self) -> None:
        """Answer until the client goes or sends what makes no sense."""
        self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            with self._places, closing(self._greet()) as session:
                self._greeted_by = None
                self._client.settimeout(None)
                while True:
                    self._answer(session)
        except EOFError:
            return
        except ServerError as error:
            self._send_exception(error)

    def kill_if_unwanted(self) -> None:
        """Kill the running query when its client has cancelled it or gone; to be called now and then."""
        with self._changes, suppress(OSError):
            if self._running:
                # A cancel may have been received with the query, or be in the socket still.
                waiting = self._reader.waiting[:1] or self._client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
                if waiting in (b"", bytes([ClientPacket.CANCEL])):
                    # One that has only stopped sending is told of the kill: the end of a stream acknowledges an insert.
                    self._cancelled = bool(waiting)
                    self._engine.kill(self._running)

    @property
    def is_greeting(self) -> bool:
        """Whether the client has not said who it is."""
        return self._greeted_by is not None

    def hang_up(self) -> None:
        """End the connection; whoever waits for the client is told so."""
        with suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)

    def _answer(self, session: Session) -> None:
        """Take one packet, and all that follows from it."""
        match self._reader.varint():
            case ClientPacket.QUERY:
                try:
                    self._query(session)
                except ProtocolError:
                    raise
                except ServerError as error:
                    if not self._cancelled:
                        self._send_exception(error)
                        return
                self._send(ServerPacket.END_OF_STREAM)
            case ClientPacket.PING:
                self._send(ServerPacket.PONG)
            case ClientPacket.CANCEL:
                # It came after the end of its query.
                pass
            case packet:
                raise _unexpected(packet)

    # What the client sends

    def _receive(self) -> bytes:
        if self._greeted_by is not None:
            # A limit of the whole: a byte now and then must not hold a place that others wait for.
            self._client.settimeout(max(self._greeted_by - time.monotonic(), 0.001))
        return self._client.recv(RECEIVE_SIZE)

    def _greet(self) -> Session:
        reader, engine = self._reader, self._engine
        if (packet := reader.varint()) != ClientPacket.HELLO:
            raise _unexpected(packet)
        reader.text(), reader.varint(), reader.varint()  # the client's name and version
        revision = reader.varint()
        database, name, password = reader.text(), reader.text(), reader.text()
        if revision < REVISION:
            raise ProtocolError(UNEXPECTED_PACKET, f"a client of revision {revision} is too old: {REVISION} is needed")
        user = next((user for user in self._users if user.name == (name or "default")), None)
        if user is None or not user.knows(password):
            raise ServerError(
                LOGIN, f"{name}: Authentication failed: password is incorrect, or there is no user with such name"
            )
        if user.reads_only:
            self._places.enter_context(engine.places.connected())
            # One that does not take its answer must not keep its place for ever.
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, SEND_TIMEOUT)
        session = Session(engine, user, database)
        major, minor, patch = (varint(int(part)) for part in engine.version.split(".")[:3])
        parts = (varint(ServerPacket.HELLO), text("ClickHouse"), major, minor, varint(REVISION))
        self._client.sendall(b"".join((*parts, text(engine.timezone), text(socket.gethostname()), patch)))
        return session

    def _read_query(self) -> tuple[str, Settings]:
        reader = self._reader
        reader.text()  # the query's id
        if reader.byte():  # the client's story: who asked first, and from where
            reader.text(), reader.text(), reader.text()
            if reader.byte() != 1:
                raise ProtocolError(UNEXPECTED_PACKET, "a query by another interface than TCP")
            reader.text(), reader.text(), reader.text()
            reader.varint(), reader.varint(), reader.varint()
            reader.text(), reader.varint()
        settings: Settings = {}
        while name := reader.text():
            # Important (1), or of the server's own configuration (2), which must not be passed over either.
            important = bool(reader.varint() & 3)
            settings[name] = (reader.text(SETTING_LIMIT), important)
            if len(settings) > SETTINGS_LIMIT:
                raise ProtocolError(LIMIT_EXCEEDED, f"a query of more than {SETTINGS_LIMIT} settings")
        reader.varint()  # up to which stage it is to be run: always to its end
        self._compressed = bool(reader.varint())
        return reader.text(QUERY_LIMIT), settings

    def _read_block(self, spool: Callable[[str], IO[bytes]]) -> tuple[str, Columns] | None:
        """The next block into the file for its table; its name and columns, or None for the empty one at the end."""
        if (packet := self._reader.varint()) != ClientPacket.DATA:
            if packet != ClientPacket.CANCEL:
                raise _unexpected(packet)
            self._cancelled = True
            raise ServerError(CANCELLED, "Query was cancelled")
        table = self._reader.text()
        reader = Reader(lambda: decompress(self._reader)) if self._compressed else self._reader
        while field := reader.varint():  # the block's info, of which nothing matters here
            if field > 2:
                raise ProtocolError(UNEXPECTED_PACKET, f"a block with unknown field {field}")
            reader.skip(1 if field == 1 else 4)
        count, rows = reader.varint(), reader.varint()
        if rows and not count:
            raise ProtocolError(UNEXPECTED_PACKET, f"a block of {rows} rows without a column")
        try:
            if rows:
                file = spool(table)
                file.write(varint(count) + varint(rows))
                reader.record(file)
            columns = walk_columns(reader, count, rows)
            reader.stop()
        except ServerError as error:
            # Where the block ends is not known now, nor where the next packet begins.
            raise ProtocolError((error.code, error.name), str(error)) from None
        if self._compressed and reader.waiting:
            raise ProtocolError(UNEXPECTED_PACKET, "a compressed frame goes on after its block")
        return (table, columns) if count else None

    # What the server does

    def _query(self, session: Session) -> None:
        self._cancelled = False
        sql, settings = self._read_query()
        result = Result()
        with ExitStack() as stack:
            tables = self._read_tables(session, stack)
            session.apply(settings)
            sql = session.check(sql)
            for name, (columns, file) in tables.items():
                session.create_external(name, columns, file)
                stack.callback(session.drop_external, name)
            if insert := parse_insert(sql):
                self._insert(session, insert, result)
            else:
                self._run(session, sql, result)

    def _read_tables(self, session: Session, stack: ExitStack) -> dict[str, tuple[Columns, IO[bytes]]]:
        """The tables that come with a query."""
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

    def _run(self, session: Session, sql: str, result: Result) -> None:
        with self._watched(session), closing(session.run(sql, result)) as blocks:
            for block in blocks:
                self._send_block(block)
        self._send_progress(result)
        self._send(ServerPacket.PROFILE_INFO, result.rows, result.blocks, result.size, 0, result.rows, 0)

    def _insert(self, session: Session, insert: Insert, result: Result) -> None:
        with session.spool() as file:
            wanted = session.insert_columns(insert)
            self._send_block(header(wanted))
            names, wrong = sorted(name for name, _ in wanted), ""
            while block := self._read_block(lambda _: file):
                if (given := sorted(name for name, _ in block[1])) != names:
                    wrong = f"a block has the columns {given}, the insert expects {names}"[:1000]
            if wrong:
                raise ServerError(NO_SUCH_COLUMN, wrong)
            with self._watched(session):
                session.insert(insert, file, result)
        self._send_progress(result)

    @contextmanager
    def _watched(self, session: Session) -> Iterator[None]:
        self._running = session.tag
        try:
            yield
        finally:
            # A kill on its way is waited for, or it would hit the next query.
            with self._changes:
                self._running = ""

    # What the client gets

    def _send_block(self, block: bytes) -> None:
        data = BLOCK_INFO + block
        pieces = compress(data) if self._compressed else (data,)
        self._client.sendall(b"".join((varint(ServerPacket.DATA), text(""), *pieces)))

    def _send_progress(self, result: Result) -> None:
        self._send(ServerPacket.PROGRESS, result.read_rows, result.read_size, 0, result.written_rows, 0)

    def _send(self, *numbers: int) -> None:
        self._client.sendall(b"".join(varint(number) for number in numbers))

    def _send_exception(self, error: ServerError) -> None:
        message = f"DB::Exception: {error}. ({error.name})"
        # No stack trace, and no exception within it.
        packet = (varint(ServerPacket.EXCEPTION), struct.pack("<i", error.code), text("DB::Exception"), text(message))
        self._client.sendall(b"".join((*packet, text(""), b"\0")))


def _unexpected(packet: int) -> ProtocolError:
    return ProtocolError(UNEXPECTED_PACKET, f"Unexpected packet {packet} from client")
