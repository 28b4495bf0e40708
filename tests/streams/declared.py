"""Reference data put into tables, without a file and its checks."""

from collections.abc import Iterable

from clickhouse_driver import Client

from schemas.reference.agency import Agency
from schemas.reference.procedure import ProcedureVersion
from streams.reference.kinds import KINDS
from streams.reference.loads import write


def declare_agencies(client: Client, agencies: Iterable[Agency]) -> None:
    """A load of these agencies: the current one from now on."""
    write(client, KINDS["agencies"], list(agencies), by="test")


def declare_procedures(client: Client, procedures: Iterable[ProcedureVersion]) -> None:
    """A load of these procedures: the current one from now on."""
    write(client, KINDS["procedures"], list(procedures), by="test")
