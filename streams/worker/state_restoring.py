"""The thread that opens local state and restores it, so that counting never waits for it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from streams.counting.local_state import LocalState
from streams.counting.store_interface import Store
from streams.errors import StateUnusable, StreamsError
from streams.storage.state_folder import StateFolder
from streams.worker.telemetry import Telemetry

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 3600.0
"""Seconds until local state that failed is opened again, twice as long each time it fails."""
_JOIN_SECONDS = 5.0


@contextmanager
def restored(folder: StateFolder, store: Store, topic: str, telemetry: Telemetry) -> Iterator[LocalState]:
    """Local state in this folder, restored from `store` on a thread of its own, inside the block.

    `store` must not be the one that counting reads from, for a read of all facts may take long. A failure of local
    state is logged and counted, and never raised.
    """
    thread = _Thread(folder, store, topic, telemetry)
    thread.start()
    try:
        yield thread.local
    finally:
        thread.stop()


class _Thread(threading.Thread):
    def __init__(self, folder: StateFolder, store: Store, topic: str, telemetry: Telemetry) -> None:
        super().__init__(name="restore-state", daemon=True)
        self.local = LocalState(store, topic, self._failed)
        self._folder = folder
        self._telemetry = telemetry
        self._stopped = threading.Event()
        self._pause = _FIRST_PAUSE
        self._was_open = False

    def run(self) -> None:
        while not self._stopped.is_set():
            pause = _LOOK_SECONDS
            try:
                if not self.local.is_open:
                    self._open()
                for _ in self.local.restore():
                    if self._stopped.is_set():
                        return
            except StateUnusable as error:
                self._failed(str(error))
            except StreamsError as error:
                # Asking ClickHouse is counting's own way, too: what is wrong there is said there.
                log.warning("local state is not restored: %s", error)
                pause = _FIRST_PAUSE
            if not self.local.is_open:
                if self._was_open:
                    # What failed is made anew: it may be broken, and where the disk is full this makes room.
                    self._folder.delete()
                pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
            self._telemetry.state_restored(self.local.complete)
            self._stopped.wait(pause)

    def stop(self) -> None:
        self._stopped.set()
        self.join(_JOIN_SECONDS)
        self.local.close()

    def _open(self) -> None:
        self.local.open_with(*self._folder.open())
        self._was_open = True

    def _failed(self, reason: str) -> None:
        self._telemetry.state_failed()
        log.warning("local state cannot be used, ClickHouse is asked about every dossier: %s", reason)
