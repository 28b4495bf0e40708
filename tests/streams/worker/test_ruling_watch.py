"""A worker keeps up with the loads that decide, asks for them seldom, and counts by them from the next batch on."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import NetworkError
from msgspec import structs

from chaos.memory_store import MemoryDeadLetters, MemoryStore
from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from schemas.events import Received
from schemas.partition import partition_of
from schemas.reference.procedure import ProcedureVersion
from schemas.tables import FACTS
from schemas.working_time.duration import Duration
from streams.counting.batch_counting import Counting
from streams.on_time.promise import Promise
from streams.on_time.ruling import Ruling
from streams.reference.kinds import KINDS
from streams.reference.loads import write
from streams.reference.ruling_changes import adopt
from streams.reference.ruling_pins import Loads, held, pin
from streams.storage.clickhouse_client import database
from streams.worker.pipeline import Pipeline
from streams.worker.ruling_watch import READ_SECONDS, RulingWatch
from tests.schemas.working_time.calendars import on
from tests.streams.cases import at, micros, said
from tests.streams.counted import count
from tests.streams.log import IDENTITY, PARTITIONS, record

Watched: TypeAlias = Callable[..., RulingWatch]
EPOCH, PROFILE = 1, Profile()
THREE_DAYS = ProcedureVersion(code="P", name_vi="x", service_level="full", term=3, unit="working days")
RECEIVED = said(Received, "2026-03-03 09:00", agency="H01", procedure="P", channel="online")
TERM = micros("2026-03-06 09:00")


def test_another_ruling_is_put_in_between_two_batches() -> None:
    promising = structs.replace(
        IDENTITY.ruling, promise_of=lambda _procedure, _channel, _at: Promise(Duration(3, "working days"))
    )
    rulings, store = iter([None, promising, None]), MemoryStore()
    waiting: list[int] = []

    def watch(_settle: object) -> Ruling | None:
        waiting.append(len(store.newest(FACTS)))
        return next(rulings)

    dossiers = [name for name in map("D{}".format, range(20)) if partition_of(name, PARTITIONS) == 0][:3]
    with closing(Pipeline(Counting(IDENTITY, store), store, MemoryDeadLetters(), watch=watch)) as pipeline:
        for offset, dossier in enumerate(dossiers):
            pipeline.take([record(0, offset, structs.replace(RECEIVED, id=dossier, dossier=dossier))]).result()
    assert waiting == [0, 1, 2]
    facts = store.newest(FACTS)
    assert [facts[dossier,]["term_computed"] for dossier in dossiers] == [None, TERM, TERM]


@pytest.mark.clickhouse
class TestPins:
    @pytest.fixture
    def client(self, clickhouse: ClickHouseConnection) -> Iterator[Client]:
        with database(clickhouse) as found:
            yield found

    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("streams.worker.ruling_watch.time.sleep", lambda _seconds: None)

    @pytest.fixture
    def watched(self, clickhouse: ClickHouseConnection) -> Iterator[Watched]:
        """Makes watches for which it is as many seconds after a local time as the last element of a list says."""
        with ExitStack() as stack:

            def make(times: list[float], begin: str = "2026-03-04 12:00") -> RulingWatch:
                watch = RulingWatch(
                    clickhouse,
                    PROFILE,
                    EPOCH,
                    now=lambda: at(begin) + timedelta(seconds=times[-1]),
                    clock=lambda: times[-1],
                )
                return stack.enter_context(closing(watch))

            yield make

    @staticmethod
    def load(client: Client, kind: Any, *declared: Any) -> int:
        load = write(client, KINDS[kind], declared, by="lan")
        assert load is not None
        return load.load

    def test_the_first_start_pins_what_is_loaded(self, watched: Watched, client: Client) -> None:
        procedures = self.load(client, "procedures", THREE_DAYS)
        ruling = watched([0.0]).first()
        assert ruling.promise_of("P", "online", micros("2026-03-03 09:00")) == Promise(Duration(3, "working days"))
        assert held(client, EPOCH).loads == Loads(procedures=procedures)

    def test_it_reads_now_and_then_and_before_each_local_day(self, watched: Watched, client: Client) -> None:
        times = [0.0]
        watch = watched(times, "2026-03-04 23:59")
        watch.first()
        settled: list[float] = []
        self.load(client, "procedures", THREE_DAYS)
        adopt(client, PROFILE, EPOCH)
        times.append(READ_SECONDS - 1)
        assert watch(lambda: settled.append(times[-1])) is None
        times.append(READ_SECONDS)
        assert watch(lambda: settled.append(times[-1])) is not None
        times.append(57.0)
        assert watch(lambda: settled.append(times[-1])) is None
        self.load(client, "procedures", structs.replace(THREE_DAYS, term=5))
        adopt(client, PROFILE, EPOCH)
        times.append(59.0)
        assert watch(lambda: settled.append(times[-1])) is None
        times.append(60.0)
        assert watch(lambda: settled.append(times[-1])) is not None
        assert settled == [READ_SECONDS, 60.0]

    def test_a_load_whose_command_was_killed_is_adopted_where_it_touches_no_case(
        self, clickhouse: ClickHouseConnection, watched: Watched, client: Client
    ) -> None:
        times = [0.0]
        watch = watched(times)
        procedures = self.load(client, "procedures", THREE_DAYS)
        count(clickhouse, RECEIVED, ruling=watch.first())
        calendar = self.load(client, "calendar", on("2026-03-09", "off"))
        times.append(10.0)
        ruling = watch(lambda: None)
        assert ruling is not None
        assert ruling.calendar_of("H01").day(at("2026-03-09 00:00").date()).kind == "off"
        self.load(client, "calendar", on("2026-03-05", "off"))
        for second in (20.0, 30.0):
            times.append(second)
            assert watch(lambda: None) is None
        assert held(client, EPOCH).loads == Loads(calendar=calendar, procedures=procedures)

    def test_what_was_counted_while_loads_were_pinned_is_said(
        self, clickhouse: ClickHouseConnection, watched: Watched, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        times = [0.0]
        watch = watched(times)
        procedures = self.load(client, "procedures", THREE_DAYS)
        ruling = watch.first()
        calendar = self.load(client, "calendar", on("2026-03-05", "off"))
        pin(client, held(client, EPOCH), Loads(calendar=calendar, procedures=procedures), at("2026-03-04 12:01"))
        count(clickhouse, RECEIVED, ruling=ruling)
        times.append(120.0)
        with caplog.at_level(logging.ERROR):
            assert watch(lambda: None) is not None
        (said_of_it,) = caplog.messages
        assert said_of_it.startswith("1 dossiers were counted by the former loads while others were pinned, such as D1")

    def test_it_waits_for_a_database_that_is_away(
        self, watched: Watched, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        times = [0.0]
        watch = watched(times)
        watch.first()
        self.load(client, "procedures", THREE_DAYS)
        failures = iter([NetworkError("away"), ConnectionResetError("gone")])
        read = held

        def away(*arguments: Any) -> Any:
            if failure := next(failures, None):
                raise failure
            return read(*arguments)

        monkeypatch.setattr("streams.worker.ruling_watch.held", away)
        times.append(10.0)
        assert watch(lambda: None) is not None
        assert next(failures, None) is None
