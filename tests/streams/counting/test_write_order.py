"""The order in which a batch is written; `test_pipeline` shows that each step waits for those before it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from chaos.memory_store import MemoryStore
from schemas.dead_letter import DeadLetter, dead_letter
from schemas.envelope import Rejection
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, PROGRESS, WINDOWS, Table
from streams.counting.batch import Batch
from streams.counting.store_interface import Row
from streams.counting.write_order import DeadLetterSink, flush

LETTER = dead_letter("events", 0, 0, datetime(2026, 1, 1, tzinfo=UTC), Rejection(0, "malformed", "", "", b"{"))


class Late(Future[Any]):
    """Does its work when it is asked for the result."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work = work

    def result(self, timeout: float | None = None) -> Any:  # noqa: ARG002  # nothing here takes time
        return self._work()


class Recorder(MemoryStore, DeadLetterSink, Executor):
    """Records each step; what runs beside the others is done as late as it may be."""

    def __init__(self, failing: str = "") -> None:
        super().__init__()
        self.steps: list[str] = []
        self._failing = failing

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        super().write(table, rows)
        self._step(table.name)

    def send(self, letters: Sequence[DeadLetter]) -> None:
        assert letters == [LETTER]
        self._step("topic")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        return Late(partial(fn, *args))

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name == self._failing:
            raise ConnectionError(name)


STEPS = [WINDOWS.name, FACTS.name, DEAD_LETTERS.name, "topic", EVENTS.name, PROGRESS.name]


def test_facts_imply_windows_and_progress_implies_everything() -> None:
    recorder = Recorder()
    flush(Batch(dead=[LETTER]), recorder, recorder, recorder)
    assert recorder.steps == STEPS


@pytest.mark.parametrize("failing", STEPS)
def test_nothing_is_written_after_a_step_that_fails_but_the_events_beside_it(failing: str) -> None:
    recorder = Recorder(failing)
    with pytest.raises(ConnectionError, match=failing):
        flush(Batch(dead=[LETTER]), recorder, recorder, recorder)
    before = STEPS[: STEPS.index(failing) + 1]
    assert recorder.steps == (before if EVENTS.name in before else [*before, EVENTS.name])
