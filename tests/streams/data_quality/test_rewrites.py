"""Distortions that only several messages about a dossier show, and the table that keeps each once."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from clickhouse_driver import Client
from msgspec import structs

from schemas.connection import ClickHouseConnection
from schemas.distortion import DISTORTIONS, Distortion
from schemas.events import Event, Progressed, Received, Reopened, Resolved, Returned, TermSet
from streams.data_quality.rewrites import rewritten
from streams.data_quality.table import insert_distortions
from streams.storage.clickhouse_client import connect
from tests.strategies import PUBLISHED
from tests.streams.cases import INSTANT, at, said
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse

LONG_AGO = datetime(2000, 1, 1, tzinfo=PUBLISHED.tzinfo)


def told(dossier: str, *events: Event) -> list[Event]:
    """A reception and a term of 10 March, and these events of the dossier."""
    first = [
        said(Received, "2026-03-02 08:00", dossier=dossier, agency="AG1"),
        said(TermSet, "2026-03-02 08:00", dossier=dossier, term=at("2026-03-10 17:00")),
    ]
    return first + [structs.replace(each, dossier=dossier) for each in events]


def resolved(on: str, recorded: str) -> Resolved:
    return said(Resolved, on, recorded_at=at(recorded), id=f"resolved {on}")


def still_open(recorded: str) -> Reopened:
    return said(Reopened, "2026-03-02 08:00", recorded_at=at(recorded), id="open")


@pytest.fixture
def client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    client = connect(clickhouse)
    yield client
    client.disconnect()


def test_what_is_told_against_what_was_told_before_is_flagged_once(
    client: Client, clickhouse: ClickHouseConnection
) -> None:
    returned = said(Returned, "2026-03-09 09:00", recorded_at=at("2026-03-09 10:00"))
    count(
        clickhouse,
        *told("sound", still_open("2026-03-05 08:00"), resolved("2026-03-09 09:00", "2026-03-09 10:00")),
        *told("late", still_open("2026-03-11 08:00"), resolved("2026-03-12 09:00", "2026-03-12 10:00")),
        *told("backwards", resolved("2026-03-09 09:00", "2026-03-09 10:00"), still_open("2026-03-11 08:00")),
        *told("taken back", returned, resolved("2026-03-09 09:00", "2026-03-12 10:00")),
        *told(
            "moved", resolved("2026-03-12 09:00", "2026-03-12 10:00"), resolved("2026-03-10 16:00", "2026-03-13 08:00")
        ),
        *told("claimed", still_open("2026-03-11 08:00"), resolved("2026-03-10 16:00", "2026-03-12 10:00")),
        *told(
            "waiting",
            resolved("2026-03-09 09:00", "2026-03-09 10:00"),
            said(Progressed, "2026-03-05 09:00", step="supplement"),
        ),
    )
    found = rewritten(client, ["test"], LONG_AGO)
    assert {(each.dossier, each.kind) for each in found} == {
        ("backwards", "status_backwards"),
        ("taken back", "status_backwards"),
        ("moved", "finish_moved_back"),
        ("claimed", "finish_moved_back"),
        ("waiting", "finish_while_waiting"),
    }
    assert {each.kind for each in found} <= DISTORTIONS.keys()
    assert {each.at for each in found if each.dossier == "moved"} == {at("2026-03-13 08:00")}
    insert_distortions(client, found, INSTANT.zone)
    assert rewritten(client, ["test"], LONG_AGO) == []
    assert rewritten(client, ["another"], LONG_AGO) == []
    assert rewritten(client, [], LONG_AGO) == []


def test_a_flag_that_comes_again_is_one_row_of_its_local_day(client: Client) -> None:
    flag = Distortion("missing_channel", "AG1", "D1", "test", at("2026-03-03 00:30"))
    for _ in range(2):
        assert insert_distortions(client, [flag, flag], INSTANT.zone) == 1
    rows = client.execute("SELECT toString(day), agency, kind, dossier, source FROM data_quality FINAL")
    assert rows == [("2026-03-03", "AG1", "missing_channel", "D1", "test")]
    assert insert_distortions(client, [], INSTANT.zone) == 0
