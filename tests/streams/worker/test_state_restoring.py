"""The thread that restores local state, and what it does where that fails."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest

from chaos.memory_state_store import MemoryStateStore
from chaos.memory_store import MemoryStore
from streams.counting.state_store import StateOrigin, StateStore
from streams.counting.store_interface import Checkpoint
from streams.errors import StateUnusable, Unreachable
from streams.storage.state_folder import CountsOrigin, StateFolder
from streams.worker import state_restoring
from streams.worker.state_restoring import restored
from streams.worker.telemetry import Telemetry

COUNTS = CountsOrigin(1, "topic-id", 8, "dossiers")
ORIGIN = StateOrigin(1, "topic-id", 8, "dossiers", "boot", "folder")
SECONDS = 20.0


def await_(holds: Callable[[], bool]) -> None:
    deadline = monotonic() + SECONDS
    while not holds():
        assert monotonic() < deadline
        sleep(0.01)


def metric(telemetry: Telemetry, name: str) -> float:
    (line,) = [line for line in telemetry.page().decode().splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


class Folder(StateFolder):
    """A folder in memory, which cannot be opened while it is `locked`."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"), "worker-1", COUNTS)
        self.states = MemoryStateStore()
        self.locked = False
        self.deleted = Event()

    def open(self) -> tuple[StateStore, StateOrigin]:
        if self.locked:
            raise StateUnusable("another process uses it")
        return self.states, ORIGIN

    def delete(self) -> None:
        self.states = MemoryStateStore()
        self.deleted.set()


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_restoring, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(state_restoring, "_LOOK_SECONDS", 0.01)


def test_a_partition_is_restored_soon_after_it_is_assigned() -> None:
    with restored(Folder(), MemoryStore(), "events", telemetry := Telemetry()) as local:
        local.attach(3)
        await_(lambda: local.read(3, ["D1"], 1) == (1, {}))
        await_(lambda: metric(telemetry, "dossier_state_partitions") == 1)
    assert local.read(3, ["D1"], 1) is None


def test_one_that_cannot_be_opened_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    folder = Folder()
    folder.locked = True
    with restored(folder, MemoryStore(), "events", telemetry := Telemetry()) as local:
        local.attach(3)
        await_(lambda: metric(telemetry, "dossier_state_failures_total") >= 1)
        assert local.read(3, ["D1"], 1) is None
        folder.locked = False
        await_(lambda: local.complete == 1)
    assert not folder.deleted.is_set()
    assert "ClickHouse is asked about every dossier: another process uses it" in caplog.text


def test_one_that_fails_is_deleted_and_restored_anew() -> None:
    folder = Folder()
    with restored(folder, MemoryStore(), "events", Telemetry()) as local:
        local.attach(3)
        await_(lambda: local.complete == 1)
        folder.states.fails = True
        local.attach(4)
        assert folder.deleted.wait(SECONDS)
        await_(lambda: local.complete == 2)


def test_a_database_that_cannot_be_read_is_not_the_states_failure(caplog: pytest.LogCaptureFixture) -> None:
    class Away(MemoryStore):
        is_away = True

        def read_checkpoints(self, topic: str) -> dict[int, Checkpoint]:
            if self.is_away:
                raise Unreachable("ClickHouse does not answer")
            return super().read_checkpoints(topic)

    store = Away()
    with restored(Folder(), store, "events", telemetry := Telemetry()) as local:
        local.attach(3)
        await_(lambda: "local state is not restored: ClickHouse does not answer" in caplog.text)
        store.is_away = False
        await_(lambda: local.complete == 1)
    assert metric(telemetry, "dossier_state_failures_total") == 0


@pytest.mark.slow
def test_in_a_real_folder(tmp_path: Path) -> None:
    for _ in range(2):
        folder = StateFolder(tmp_path, None, COUNTS)
        with restored(folder, MemoryStore(), "events", Telemetry()) as local:
            local.attach(3)
            await_(lambda: local.complete == 1)
