"""A TCP proxy in front of a server, which can look at what passes, hold it up, or cut the connection instead."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from msgspec import Struct


class Passing(Struct, frozen=True):
    """What is about to pass: on which connection (numbered from 1), from the client or to it, and the bytes."""

    connection: int
    from_client: bool
    data: bytes


class Proxy:
    """Listens on `port` of the loopback interface within its block and passes everything on, both ways.

    `cuts` is asked before anything passes, on a thread of that direction: where it is true the connection is cut
    and the bytes are not passed on; where it blocks, they are late. A target that is away refuses, as it would itself.
    """

    def __init__(self, host: str, port: int, cuts: Callable[[Passing], bool]) -> None:
        self._target = host, port
        self._cuts = cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.cut = 0

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._listener)
        self._threads[0].join()
        for each in self._sockets:
            _close(each)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                _close(client)
                continue
            for each in (client, server):
                # As the client and the server have it: without, each answer of a few bytes waits 40 ms for another.
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number += 1
            self._sockets += [client, server]
            for source, target, from_client in ((client, server, True), (server, client, False)):
                thread = threading.Thread(target=self._pump, args=(source, target, number, from_client))
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, connection: int, from_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._cuts(Passing(connection, from_client, data)):
                    self.cut += 1
                    break
                target.sendall(data)
        for each in (source, target):
            _close(each)


def _close(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
