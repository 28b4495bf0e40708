"""The names of agencies and procedures in alerts, as reference data has them when alerts are delivered."""

import logging
from collections.abc import Iterable, Mapping

from clickhouse_driver import Client
from msgspec import Struct

from schemas.alerts import Alert
from schemas.connection import ClickHouseConnection
from streams.errors import StreamsError
from streams.storage.clickhouse_client import database

log = logging.getLogger(__name__)


class Names(Struct, frozen=True):
    """Vietnamese names by code; a code that is not declared has none."""

    agencies: Mapping[str, str] = {}
    procedures: Mapping[str, str] = {}


def names_of(clickhouse: ClickHouseConnection, alerts: Iterable[Alert]) -> Names:
    """The names of what these alerts are about; none while ClickHouse is away, because alerts do not wait for names."""
    agencies, procedures = ({*codes} for codes in zip(*((each.agency, each.procedure) for each in alerts), strict=True))
    try:
        with database(clickhouse) as client:
            return Names(_names(client, "agency_labels", agencies), _names(client, "procedure_labels", procedures))
    except StreamsError as error:
        log.warning("alerts are delivered without names: %s", error)
        return Names()


def _names(client: Client, dictionary: str, codes: Iterable[str]) -> dict[str, str]:
    asked = sorted(codes)
    found = "arrayMap(code -> dictGetOrDefault(%(dictionary)s, 'name_vi', tuple(code), ''), %(codes)s)"
    ((names,),) = client.execute(f"SELECT {found}", {"dictionary": dictionary, "codes": asked})
    return {code: name for code, name in zip(asked, names, strict=True) if name}
