"""A TCP proxy that cuts connections at a byte of what the client sends."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self


class CuttingProxy:
    """Listens on `port` within its block; every connection is cut for which `cuts` says so.

    `cuts` is asked with what a client sends before it is passed on; the connection is cut instead where it is true.
    """

    def __init__(self, host: str, port: int, cuts: Callable[[bytes], bool]) -> None:
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
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                for source, target, cuts in ((client, server, self._cuts), (server, client, lambda _: False)):
                    thread = threading.Thread(target=self._pump, args=(source, target, cuts))
                    self._threads.append(thread)
                    thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, cuts: Callable[[bytes], bool]) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if cuts(data):
                    self.cut += 1
                    break
                target.sendall(data)
        for each in (source, target):
            _close(each)


def _close(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
