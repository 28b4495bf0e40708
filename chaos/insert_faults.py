"""Faults of inserts on their way to ClickHouse and back: cut, interrupted in the middle, or delayed."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from chaos.tcp_proxy import Passing

_INSERT = re.compile(rb"INSERT INTO (\w+) ")
_Stage = Literal["asked", "described", "sent"]


class InsertFaults:
    """Decides which connections a proxy before ClickHouse cuts: it follows inserts through the native protocol.

    A client sends an INSERT, the server describes its columns, the client sends the rows, and the server answers once
    they are applied. `intercept` waits for the next insert to reach a stage and acts there. While `delay` is not 0,
    everything to the server is that many seconds late; while `is_away`, every connection is cut at its first bytes.
    """

    def __init__(self) -> None:
        self.delay = 0.0
        self.is_away = False
        self._stages: dict[int, _Stage] = {}
        self._lock = threading.Lock()
        self._intercepted: tuple[str, Callable[[], bool]] | None = None
        self._acted = threading.Event()

    def __call__(self, passing: Passing) -> bool:
        """Track what passes; whether to cut the connection."""
        if self.is_away:
            return True
        if passing.from_client and self.delay:
            time.sleep(self.delay)
        reached = self._follow(passing)
        with self._lock:
            if self._intercepted is None or reached != self._intercepted[0]:
                return False
            _, act = self._intercepted
            self._intercepted = None
        cut = act()
        self._acted.set()
        return cut

    @contextmanager
    def intercept(self, moment: Literal["sending", "applied"], act: Callable[[], bool]) -> Iterator[threading.Event]:
        """Call `act` when an insert's rows are being sent, or when they are applied but its client does not know.

        It says whether the connection is to be cut. The event is set afterwards.
        """
        self._acted.clear()
        with self._lock:
            self._intercepted = moment, act
        try:
            yield self._acted
        finally:
            with self._lock:
                self._intercepted = None

    def _follow(self, passing: Passing) -> str:
        stage = self._stages.get(passing.connection)
        if passing.from_client:
            if _INSERT.search(passing.data):
                self._stages[passing.connection] = "asked"
            elif stage == "described":
                self._stages[passing.connection] = "sent"
                return "sending"
            return ""
        if stage == "asked":
            self._stages[passing.connection] = "described"
        elif stage == "sent":
            del self._stages[passing.connection]
            return "applied"
        return ""
