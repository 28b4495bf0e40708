"""Clients of the fuzzed server: raw connections for hostile conversations, and a well-behaved client."""

import socket
from contextlib import contextmanager, suppress

from chaos.fuzz.protocol_conversations import Conversation, hello
from chaos.fuzz.server_answers import Answer, read_answer
from chaos.fuzz.server_process import HOST, SECONDS, Serving

_SESSION_INPUTS = 150
"""Conversations on one connection."""


class Sessions:
    """One client's connections: one that is kept for statements, a new one for conversations that log in."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._held: dict[bool, tuple[socket.socket, int]] = {}

    def send(self, made: Conversation) -> Answer:
        """Send a conversation and read the whole answer; TimeoutError without one, OSError where it breaks off."""
        if not made.hello:
            return self._continue(made)
        with socket.create_connection((HOST, self._port), SECONDS) as peer:
            with suppress(OSError):
                peer.sendall(made.content)
                if made.hangs_up:
                    return Answer()
                peer.shutdown(socket.SHUT_WR)
            return read_answer(_all(peer))

    def _continue(self, made: Conversation) -> Answer:
        peer, uses = self._held.pop(made.reader, (None, 0))
        if peer is None:
            peer = socket.create_connection((HOST, self._port), SECONDS)
            peer.sendall(b"".join(hello("reader" if made.reader else "default")))
            peer.recv(1000)
        peer.sendall(made.content)
        received = b""
        while piece := peer.recv(1 << 18):
            received += piece
            answer = read_answer(received)
            if answer.ended and not answer.wrong:
                break
        answer = read_answer(received)
        if piece and uses < _SESSION_INPUTS:
            self._held[made.reader] = peer, uses + 1
        else:
            peer.close()
        if not answer.ended:
            answer.wrong = answer.wrong or "the server has hung up on a statement without an answer"
        return answer

    def close(self) -> None:
        """Close the connections."""
        for peer, _ in self._held.values():
            peer.close()


@contextmanager
def closing_client(serving: Serving):  # type: ignore[no-untyped-def]  # the driver has no types
    """A well-behaved client, disconnected at the end."""
    client = serving.client()
    try:
        yield client
    finally:
        client.disconnect()


def _all(peer: socket.socket) -> bytes:
    pieces = []
    with suppress(ConnectionResetError):
        while piece := peer.recv(1 << 18):
            pieces.append(piece)
    return b"".join(pieces)


def first_byte(peer: socket.socket) -> bytes:
    """The first byte of the answer; empty where the server has hung up."""
    try:
        return peer.recv(1)
    except OSError:
        return b""
