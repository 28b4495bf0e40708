"""The reference data of the city, loaded as `dossier reference load` does."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeAlias

from clickhouse_driver import Client

from schemas.events import Event
from schemas.reference.agency import Agency
from schemas.reference.procedure import ProcedureVersion
from streams.reference.kinds import KINDS
from streams.reference.loads import reload, write
from tests.grafana.city import AGENCIES, PROCEDURES

Declare: TypeAlias = Callable[[Sequence[Event]], AbstractContextManager[Client]]
"""Lends a client of a database of these events, in which the reference data of the city is loaded."""


def load(
    client: Client, agencies: Sequence[Agency] = AGENCIES, procedures: Sequence[ProcedureVersion] = PROCEDURES
) -> None:
    """Declare these agencies and procedures, instead of those before."""
    for kind, content in ((KINDS["agencies"], agencies), (KINDS["procedures"], procedures)):
        write(client, kind, content, by="a test")
        assert reload(client, kind)
