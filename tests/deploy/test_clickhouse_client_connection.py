"""What reaches the server's socket without a well-behaved client behind it."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import cast

import pytest
from clickhouse_driver import Client

from deploy.embedded.clickhouse import client_connection
from deploy.embedded.clickhouse.compressed_frames import HEADER, checksum, compress
from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.native_blocks import BLOCK_INFO
from deploy.embedded.clickhouse.users import DEFAULT_USERS
from deploy.embedded.clickhouse.wire_format import text, varint

pytestmark = pytest.mark.clickhouse

HELLO = varint(0) + text("test") + varint(1) + varint(1) + varint(54430) + text("") + text("default") + text("")
END = varint(2) + text("") + BLOCK_INFO + b"\0\0"
EXCEPTION = 2
SECONDS = 5.0


def query(sql: str, compression: int = 0) -> bytes:
    info = b"\x01" + text("") * 3 + b"\x01" + text("") * 3 + varint(1) * 3 + text("") + varint(0)
    return varint(1) + text("") + info + text("") + varint(2) + varint(compression) + text(sql)


def with_setting(packet: bytes, name: str, flags: int, value: str) -> bytes:
    """A query of `query` with a setting; its list of settings, empty there, stands before stage and compression."""
    end = text("") + varint(2) + varint(0) + text("SELECT 1")
    assert packet.endswith(end)
    return packet.removesuffix(end) + text(name) + varint(flags) + text(value) + end


def data(block: bytes) -> bytes:
    return varint(2) + text("") + BLOCK_INFO + block


@pytest.fixture
def dial(clickhouse_port: int) -> Iterator[Callable[[bytes], socket.socket]]:
    opened = []

    def call(first: bytes) -> socket.socket:
        peer = socket.create_connection(("127.0.0.1", clickhouse_port), timeout=SECONDS)
        opened.append(peer)
        peer.sendall(first)
        return peer

    yield call
    for peer in opened:
        peer.close()


def all_of(peer: socket.socket) -> bytes:
    """Everything the server says until it hangs up; TimeoutError if it does not."""
    out = bytearray()
    with suppress(ConnectionError):
        while piece := peer.recv(1 << 16):
            out += piece
    return bytes(out)


def exception_in(answer: bytes) -> tuple[int, str]:
    """Code and text of the exception that the answer ends with."""
    start = answer.rindex(b"\x0dDB::Exception") - 5
    assert answer[start] == EXCEPTION
    (code,) = struct.unpack_from("<i", answer, start + 1)
    return code, answer[start + 19 :].decode(errors="replace")


def block(values: list[str]) -> bytes:
    head = varint(1) + varint(len(values)) + text("s") + text("String")
    return head + b"".join(text(value) for value in values)


@pytest.fixture
def table(connect: Callable[..., Client]) -> Iterator[Callable[[], int]]:
    """An empty table `cut.t (s String)`; counts its rows."""
    client = connect()
    client.execute("CREATE DATABASE cut")
    client.execute("CREATE TABLE cut.t (s String) ENGINE = MergeTree ORDER BY s")
    yield lambda: int(client.execute("SELECT count() FROM cut.t")[0][0])
    client.execute("DROP DATABASE cut")


def test_an_insert_is_there_only_when_it_ended(
    dial: Callable[[bytes], socket.socket], table: Callable[[], int]
) -> None:
    whole = data(block(["a", "b"])) + data(block(["c" * 1000])) + END
    start = HELLO + query("INSERT INTO cut.t VALUES") + END
    for size in (0, 1, 5, 20, len(whole) // 2, len(whole) - len(END), len(whole) - 1):
        with dial(start + whole[:size]) as peer:
            peer.shutdown(socket.SHUT_WR)
            all_of(peer)
        assert table() == 0, f"cut after {size} bytes"
    with dial(start + whole + varint(4)) as peer:
        answer = b""
        while not answer.endswith(b"\x05\x04"):
            piece = peer.recv(1 << 16)
            assert piece, "the end of the insert and the answer to a ping must come"
            answer += piece
    assert table() == 3


@pytest.mark.usefixtures("table")
def test_an_insert_that_is_killed_is_not_acknowledged(dial: Callable[[bytes], socket.socket]) -> None:
    """A client that sends no more counts as gone, though it may still read."""
    endless = "INSERT INTO cut.t SELECT toString(sleepEachRow(0.05)) FROM numbers(10000) SETTINGS max_block_size = 1"
    with dial(HELLO + query(endless) + END) as peer:
        peer.shutdown(socket.SHUT_WR)
        assert exception_in(all_of(peer))[0] == 394


def test_an_insert_that_is_cancelled_inserts_nothing(
    dial: Callable[[bytes], socket.socket], table: Callable[[], int]
) -> None:
    with dial(HELLO + query("INSERT INTO cut.t VALUES") + END + data(block(["a"])) + varint(3) + varint(4)) as peer:
        peer.shutdown(socket.SHUT_WR)
        assert all_of(peer).endswith(b"\x05\x04"), "the end of the insert and the answer to a ping"
    assert table() == 0


def compressed_insert(frames: bytes) -> bytes:
    end = varint(2) + text("") + b"".join(compress(BLOCK_INFO + b"\0\0"))
    return HELLO + query("INSERT INTO cut.t VALUES", 1) + end + varint(2) + text("") + frames


def damaged_frames() -> dict[str, tuple[bytes, int]]:
    frame = b"".join(compress(BLOCK_INFO + block(["value"] * 50)))
    body = frame[16 + HEADER.size :]

    def framed(method: int, size: int, raw: int, body: bytes = body) -> bytes:
        packed = HEADER.pack(method, size, raw) + body
        return checksum(packed) + packed

    return {
        "a checksum that differs": (frame[:40] + bytes([frame[40] ^ 1]) + frame[41:], 40),
        "zstd": (framed(0x90, len(body) + 9, 100), 89),
        "an unknown method": (framed(0x17, len(body) + 9, 100), 89),
        "an absurd length": (framed(0x82, 0xFFFFFFFF, 100), 33),
        "an absurd length when read": (framed(0x82, len(body) + 9, 0xFFFFFFFF), 33),
        "no body": (framed(0x82, 3, 100), 33),
        "a body that is no LZ4": (framed(0x82, 12 + 9, 100, b"\xff" * 12), 33),
    }


@pytest.mark.parametrize("damage", list(damaged_frames()))
def test_damaged_frames_are_refused(
    dial: Callable[[bytes], socket.socket], table: Callable[[], int], damage: str
) -> None:
    frames, code = damaged_frames()[damage]
    with dial(compressed_insert(frames)) as peer:
        assert exception_in(all_of(peer))[0] == code
    assert table() == 0


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (varint(9), 101),
        (query("SELECT 1").replace(b"SELECT 1", b"SELECT\xff1"), 36),
        (varint(0), 101),
        (query("SELECT 1") + varint(1), 101),
        (query("SELECT 1") + data(varint(1 << 40) + varint(5)), 33),
        (query("SELECT 1") + data(varint(1) + varint(1 << 62) + varint(1 << 50)), 33),
        (
            query("SELECT 1") + data(varint(1) + varint(1) + text("a") + text("Array(" * 1000 + "UInt8" + ")" * 1000)),
            33,
        ),
        (query("SELECT 1") + data(varint(1) + varint(1) + text("a") + text("UInt8) ENGINE = Memory")), 48),
        (query("SELECT 1") + data(varint(1) + varint(1 << 40) + text("a") + text("Tuple")), 48),
        (varint(1) + varint(1 << 60), 33),
        (varint(1) + b"\xff" * 20, 33),
    ],
)
def test_packets_without_sense_end_the_connection_with_a_reason(
    dial: Callable[[bytes], socket.socket], packet: bytes, code: int
) -> None:
    with dial(HELLO + packet) as peer:
        assert exception_in(all_of(peer))[0] == code


@pytest.mark.parametrize("kind", ["String", "UInt64", "Array(String)", "LowCardinality(String)", "FixedString(9)"])
def test_promises_of_endless_data_cost_the_server_nothing(
    dial: Callable[[bytes], socket.socket], connect: Callable[..., Client], kind: str
) -> None:
    block = varint(1) + varint(1 << 62) + text("a") + text(kind)
    with dial(HELLO + query("SELECT 1") + data(block) + b"\x7f" * 100_000) as peer:
        peer.shutdown(socket.SHUT_WR)
        all_of(peer)
    assert connect().execute("SELECT 1") == [(1,)]


@pytest.mark.parametrize(("flags", "known"), [(0, True), (1, False), (2, False)])
def test_a_setting_that_is_unknown_is_passed_over_only_when_it_may_be(
    dial: Callable[[bytes], socket.socket], flags: int, known: bool
) -> None:
    """As clickhouse-go sends them: 1 for what is important, 2 for a custom setting, its value as a literal."""
    with dial(HELLO + with_setting(query("SELECT 1"), "SQL_tenant", flags, "'x'") + END) as peer:
        peer.shutdown(socket.SHUT_WR)
        answer = all_of(peer)
    if known:
        assert answer.endswith(b"\x05")
    else:
        assert exception_in(answer)[0] == 115


def test_a_client_that_is_too_old_is_told_so(dial: Callable[[bytes], socket.socket]) -> None:
    with dial(HELLO.replace(varint(54430), varint(54429))) as peer:
        assert "too old" in exception_in(all_of(peer))[1]


def named_block(name: str) -> bytes:
    return varint(1) + varint(1) + text(name) + text("String") + text("a")


@pytest.mark.parametrize(
    "bad",
    [
        varint(0) + varint(5),
        named_block("another"),
        varint(2) + varint(1) + (text("s") + text("String") + text("a")) * 2,
    ],
    ids=["no column but rows", "another column", "a column twice"],
)
def test_a_block_that_is_not_what_the_insert_expects_inserts_nothing(
    dial: Callable[[bytes], socket.socket], table: Callable[[], int], bad: bytes
) -> None:
    with dial(HELLO + query("INSERT INTO cut.t VALUES") + END + data(block(["a"])) + data(bad) + END) as peer:
        peer.shutdown(socket.SHUT_WR)
        assert exception_in(all_of(peer))[0] in (16, 101)
    assert table() == 0


def test_blocks_of_one_table_that_differ_are_refused(dial: Callable[[bytes], socket.socket]) -> None:
    with dial(HELLO + query("SELECT 1") + data(named_block("a")) + data(named_block("b"))) as peer:
        assert exception_in(all_of(peer))[0] == 101


def test_a_hello_that_takes_for_ever_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then is no sign of life: whoever greets so would keep a place from others."""
    monkeypatch.setattr(client_connection, "HELLO_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname(), SECONDS)
        theirs, _ = listener.accept()
    connection = client_connection.Connection(theirs, cast(Engine, None), DEFAULT_USERS)
    ended: list[type[Exception]] = []

    def serve() -> None:
        try:
            connection.serve()
        except TimeoutError as error:
            ended.append(type(error))
        theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with ours, suppress(ConnectionError):
        for byte in varint(0) + text("x" * 60_000):
            ours.sendall(bytes([byte]))
            thread.join(0.05)
            if not thread.is_alive():
                break
    thread.join(SECONDS)
    assert ended == [TimeoutError]
