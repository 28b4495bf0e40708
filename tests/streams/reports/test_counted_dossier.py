"""One dossier as counts know it."""

import pytest

from schemas.connection import ClickHouseConnection
from schemas.events import Received, Resolved, TermSet
from streams.reports.counted_dossier import CountedDossier, counted_dossier
from streams.storage.clickhouse_client import database
from tests.streams.cases import at, said
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse


def test_a_dossier_has_its_status_and_its_dates(clickhouse: ClickHouseConnection) -> None:
    count(
        clickhouse,
        said(Received, "2026-03-02 08:00", agency="AG1"),
        said(TermSet, "2026-03-02 08:00", term=at("2026-03-10 17:00")),
        said(Resolved, "2026-03-09 09:00"),
    )
    with database(clickhouse) as client:
        assert counted_dossier(client, "D2") is None
        assert counted_dossier(client, "D1") == CountedDossier(
            "D1", "AG1", "resolved", at("2026-03-02 08:00"), at("2026-03-10 17:00"), at("2026-03-09 09:00"), None
        )
