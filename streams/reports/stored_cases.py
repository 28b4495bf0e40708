"""Stored dossiers with their registers, one after the other: a city is gone through without being held in memory."""

from collections.abc import Generator

from msgspec import Struct

from schemas.connection import ClickHouseConnection
from streams.counting.judged_case import StoredCase
from streams.storage.clickhouse_client import database

_BELONGS = (
    "case_kind = 'dossier' AND NOT voided AND (%(agency)s = '' OR agency = %(agency)s) "
    "AND received_at < fromUnixTimestamp64Micro(%(end)s, 'UTC') "
    "AND (outcome_at IS NULL OR outcome_at >= fromUnixTimestamp64Micro(%(start)s, 'UTC'))"
)
_ROWS_AT_ONCE = 8192


class Period(Struct, frozen=True):
    """From `start` up to, but excluding, `end`, in microseconds since 1970."""

    start: int
    end: int


class StoredCases:
    """The dossiers that were open in a period, of one agency by its code, or of all; for one thread.

    All methods raise Unreachable or NotMigrated.
    """

    def __init__(self, clickhouse: ClickHouseConnection, period: Period, agency: str = "") -> None:
        self._clickhouse = clickhouse
        self._parameters = {"agency": agency, "start": period.start, "end": period.end}

    def count(self) -> int:
        """How many there are."""
        with database(self._clickhouse, max_execution_time=0) as client:
            sql = f"SELECT count() FROM facts FINAL WHERE {_BELONGS}"  # noqa: S608  # our condition
            ((found,),) = client.execute(sql, self._parameters)
        return int(found)

    def read(self) -> Generator[StoredCase, None, None]:
        """Each dossier, in no order."""
        sql = f"SELECT dossier, agency, procedure, registers FROM facts FINAL WHERE {_BELONGS}"  # noqa: S608  # ours
        settings = {"max_execution_time": 0, "max_block_size": _ROWS_AT_ONCE, "strings_as_bytes": True}
        with database(self._clickhouse, **settings) as client:
            for dossier, agency, procedure, registers in client.execute_iter(sql, self._parameters):
                yield StoredCase(dossier.decode(), agency.decode(), procedure.decode(), registers)
