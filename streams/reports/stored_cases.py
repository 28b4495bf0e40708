"""Stored dossiers with their registers, one after the other: a city is gone through without being held in memory."""

from collections.abc import Generator

from msgspec import Struct

from schemas.connection import ClickHouseConnection
from streams.storage.clickhouse_client import DRIVER_ERRORS, connect, explain

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
        client = connect(self._clickhouse, max_execution_time=0)
        try:
            sql = f"SELECT count() FROM facts FINAL WHERE {_BELONGS}"  # noqa: S608  # our condition
            ((found,),) = client.execute(sql, self._parameters)
        except DRIVER_ERRORS as error:
            raise explain(error, self._clickhouse) from error
        finally:
            client.disconnect()
        return int(found)

    def read(self) -> Generator[tuple[str, bytes], None, None]:
        """Each dossier with its packed registers."""
        client = connect(self._clickhouse, strings_as_bytes=True, max_execution_time=0, max_block_size=_ROWS_AT_ONCE)
        try:
            sql = f"SELECT dossier, registers FROM facts FINAL WHERE {_BELONGS}"  # noqa: S608  # our condition
            for dossier, registers in client.execute_iter(sql, self._parameters):
                yield dossier.decode(), registers
        except DRIVER_ERRORS as error:
            raise explain(error, self._clickhouse) from error
        finally:
            client.disconnect()
