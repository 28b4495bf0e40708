"""A ClickHouse store that measures each kind of call."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from schemas.connection import ClickHouseConnection
from schemas.tables import Table
from streams.counting.store_interface import Row, Stored, WindowRow
from streams.storage.clickhouse_store import ClickHouseStore


class TimedStore(ClickHouseStore):
    """A store that measures each kind of call: number, rows, seconds, and CPU seconds of ClickHouse.

    `cpu` returns the CPU seconds of ClickHouse so far, including merges that run at the same time.
    """

    def __init__(self, clickhouse: ClickHouseConnection, cpu: Callable[[], float]) -> None:
        super().__init__(clickhouse)
        self.spent: defaultdict[str, list[float]] = defaultdict(lambda: [0, 0, 0.0, 0.0])
        self._cpu = cpu

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """The facts of the first of these dossiers."""
        with self._measured("read facts", len(dossiers)):
            return super().read_facts(dossiers, max_bytes)

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        """Position and counts of those of these that have a row."""
        with self._measured("read windows", len(windows)):
            return super().read_windows(windows)

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert the rows."""
        with self._measured(f"insert {table.name}", len(rows)):
            super().write(table, rows)

    @contextmanager
    def _measured(self, call: str, rows: int) -> Iterator[None]:
        begun, cpu = time.monotonic(), self._cpu()
        yield
        for place, value in enumerate((1, rows, time.monotonic() - begun, self._cpu() - cpu)):
            self.spent[call][place] += value
