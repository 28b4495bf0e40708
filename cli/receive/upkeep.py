"""What the receiver does beside its requests, on a thread: reference data, flags, a look at rewritten dossiers."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from clickhouse_driver import Client

from connectors.portal.directory import Directory, directory_of
from schemas.connection import ClickHouseConnection
from schemas.distortion import Distortion
from schemas.errors import DossierError
from streams.data_quality.rewrites import rewritten
from streams.data_quality.table import insert_distortions
from streams.reference.kinds import KINDS
from streams.reference.loads import content, current
from streams.storage.clickhouse_client import database

_EVERY = 1.0
_DIRECTORY_EVERY = 30.0
_REWRITES_EVERY = 60.0
_OVERLAP = timedelta(minutes=10)
"""How much longer events may take to be counted than between two looks."""
_FIRST_LOOK = timedelta(days=1)
_MOST_FLAGS = 200_000


class Upkeep:
    """Keeps a directory current and writes flags; a context manager. What ClickHouse does not take is tried again.

    `flags_lost` is told how many flags had to be dropped, `trouble` of each failure.
    """

    def __init__(
        self,
        clickhouse: ClickHouseConnection,
        sources: Sequence[str],
        zone: ZoneInfo,
        trouble: Callable[[str, Exception], None],
        flags_lost: Callable[[int], None],
    ) -> None:
        self.directory: Directory | None = None
        self._clickhouse = clickhouse
        self._sources = sources
        self._zone = zone
        self._trouble = trouble
        self._flags_lost = flags_lost
        self._flags: deque[Distortion] = deque()
        self._loads: tuple[int, int] | None = None
        self._looked = datetime.now(UTC) - _FIRST_LOOK
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receiver-upkeep", daemon=True)

    def add(self, flags: Sequence[Distortion]) -> None:
        """Keep flags until they are written; beyond a bound they are dropped."""
        room = max(0, _MOST_FLAGS - len(self._flags))
        self._flags.extend(flags[:room])
        if len(flags) > room:
            self._flags_lost(len(flags) - room)

    def __enter__(self) -> "Upkeep":
        self._round(directory=True, rewrites=False)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._round(directory=False, rewrites=False)
        if self._flags:
            self._flags_lost(len(self._flags))

    def _run(self) -> None:
        directory = rewrites = time.monotonic()
        while not self._stop.wait(_EVERY):
            now = time.monotonic()
            reads = self.directory is None or now - directory >= _DIRECTORY_EVERY
            looks = now - rewrites >= _REWRITES_EVERY
            directory = now if reads else directory
            rewrites = now if looks else rewrites
            if reads or looks or self._flags:
                self._round(directory=reads, rewrites=looks)

    def _round(self, *, directory: bool, rewrites: bool) -> None:
        try:
            with database(self._clickhouse) as client:
                if directory:
                    self._read_directory(client)
                self._write(client)
                if rewrites:
                    begun = datetime.now(UTC)
                    insert_distortions(client, rewritten(client, self._sources, self._looked - _OVERLAP), self._zone)
                    self._looked = begun
        except DossierError as error:
            self._trouble("reference data or flags wait for ClickHouse", error)

    def _read_directory(self, client: Client) -> None:
        agencies, procedures = current(client, "agencies"), current(client, "procedures")
        loads = (agencies.load if agencies else 0, procedures.load if procedures else 0)
        if loads != self._loads:
            kinds = KINDS["agencies"], KINDS["procedures"]
            self.directory = directory_of(content(client, kinds[0], agencies), content(client, kinds[1], procedures))
            self._loads = loads

    def _write(self, client: Client) -> None:
        held = [self._flags.popleft() for _ in range(len(self._flags))]
        try:
            insert_distortions(client, held, self._zone)
        except Exception:
            self._flags.extendleft(reversed(held))
            raise
