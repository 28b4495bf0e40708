"""What a worker tells of itself, by a clock of the test's own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families

from schemas.dead_letter import dead_letter
from schemas.envelope import Rejection
from schemas.instant import from_micros
from streams.counting.batch import Batch
from streams.counting.column_block import Block
from streams.counting.record import Record, offset_gap
from streams.worker.health import ENDS_SECONDS
from streams.worker.operations_in_progress import DEAD_LETTER_TOPIC
from streams.worker.telemetry import Telemetry
from tests.streams.log import IDENTITY

STALL = 60.0
TODAY = 1_772_000_000.0
INVALID = Rejection(0, "invalid", "", "", b"")
FUTURE = Rejection(0, "future", "", "", b"")


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds

    def monotonic(self) -> float:
        return self.seconds

    def unix(self) -> float:
        return TODAY + self.seconds - 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def telemetry(clock: Clock) -> Telemetry:
    """Of a member that owns partitions 0 and 1 and was told that both are at offset 5, with nothing waiting."""
    telemetry = Telemetry(STALL, clock=clock.monotonic, now=clock.unix)
    telemetry.assigned({0, 1})
    telemetry.loop_turned()
    telemetry.ends_read({0: 5, 1: 5})
    telemetry.committed_read({0: 5, 1: 5})
    return telemetry


def record(partition: int, offset: int, age: float = 0.0) -> Record:
    return Record(partition, offset, round((TODAY - age) * 1000), b"")


def batch(events: int) -> Batch:
    return Batch(events=Block([["row"] * events]))


def values(telemetry: Telemetry) -> dict[str, float]:
    """The page's samples by name and labels; buckets aside."""
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(telemetry.page().decode())
        for sample in family.samples
        if "le" not in sample.labels
    }


@contextmanager
def under_way(telemetry: Telemetry, name: str, table: str, trouble: str = "") -> Iterator[None]:
    """An operation of another thread that does not end within the block."""
    begun, end = Event(), Event()

    def operate() -> None:
        with telemetry.operation(name, table):
            if trouble:
                telemetry.operation_retried(trouble)
            begun.set()
            assert end.wait(20)

    with ThreadPoolExecutor(1) as beside:
        future = beside.submit(operate)
        assert begun.wait(20)
        try:
            yield
        finally:
            end.set()
        future.result(20)


def test_lag_is_what_the_broker_has_beyond_what_is_confirmed(telemetry: Telemetry, clock: Clock) -> None:
    assert values(telemetry)["dossier_lag_records 0"] == 0
    telemetry.ends_read({0: 25, 1: 5})
    taken = [record(0, offset, age=30) for offset in range(5, 15)]
    telemetry.batch_started(taken)
    clock.pass_(2)
    shown = values(telemetry)
    assert (shown["dossier_lag_records 0"], shown["dossier_lag_records 1"]) == (20, 0)
    assert (shown["dossier_lag_seconds 0"], shown["dossier_lag_seconds 1"]) == (32, 0)
    assert shown["dossier_partitions"] == 2
    telemetry.windows_confirmed(taken)
    telemetry.batch_confirmed(taken, batch(70), 0.5)
    shown = values(telemetry)
    assert shown["dossier_lag_records 0"] == 10
    assert shown["dossier_offset 0"] == 14
    assert shown["dossier_lag_events"] == 70
    assert (shown["dossier_records_total"], shown["dossier_events_total"]) == (10, 70)
    assert (shown["dossier_freshness_seconds_count"], shown["dossier_freshness_seconds_sum"]) == (10, 320)
    assert shown["dossier_last_batch_timestamp_seconds"] == TODAY + 2


def test_a_heartbeat_has_what_was_done_since_the_one_before(telemetry: Telemetry, clock: Clock) -> None:
    telemetry.ends_read({0: 25, 1: 5})
    taken = [record(0, offset, age=30) for offset in range(5, 15)]
    telemetry.batch_started(taken)
    with telemetry.operation("insert", "facts"):
        clock.pass_(2)
    with telemetry.operation("read", "facts"):
        clock.pass_(1)
    found = telemetry.heartbeat("one")
    assert (found.lag_records, found.lag_seconds, found.events, found.freshness_p50) == (20, 33, 0, None)
    assert (found.insert_p50, found.insert_p99) == (2, 2)
    telemetry.windows_confirmed(taken)
    telemetry.batch_confirmed(
        taken, structs.replace(batch(70), dead=[dead_letter("t", 0, 5, from_micros(0), INVALID)]), 0.5
    )
    found = telemetry.heartbeat("one")
    assert (found.worker, found.partitions, found.lag_records, found.lag_events) == ("one", 2, 10, 70)
    assert (found.events, found.dead, found.freshness_p50, found.freshness_p99) == (70, 1, 33, 33)
    assert found.insert_p50 is None
    assert found.at.timestamp() == TODAY + 3
    found = telemetry.heartbeat("one")
    assert (found.events, found.dead, found.freshness_p50) == (0, 0, None)


def test_records_that_nobody_has_fetched_are_aged_from_when_they_were_seen(telemetry: Telemetry, clock: Clock) -> None:
    telemetry.ends_read({0: 6})
    assert values(telemetry)["dossier_lag_seconds 0"] == 0
    clock.pass_(9)
    assert values(telemetry)["dossier_lag_seconds 0"] == 9


def test_a_stale_end_does_not_hide_what_was_taken(telemetry: Telemetry) -> None:
    telemetry.batch_started([record(0, offset) for offset in range(5, 9)])
    telemetry.ends_read({0: 5})
    assert values(telemetry)["dossier_lag_records 0"] == 4


def test_a_partition_that_went_elsewhere_is_not_shown(telemetry: Telemetry) -> None:
    telemetry.batch_started([record(0, 5), record(1, 5)])
    telemetry.revoked()
    telemetry.assigned({1})
    telemetry.ends_read({0: 50, 1: 7})
    telemetry.committed_read({1: 5})
    telemetry.batch_confirmed([record(0, 5)], batch(1), 0.1)
    shown = values(telemetry)
    assert {name for name in shown if name.startswith("dossier_lag_records")} == {"dossier_lag_records 1"}
    assert shown["dossier_rebalances_total"] == 2


def test_dead_letters_are_counted_by_reason_once_they_are_confirmed(telemetry: Telemetry) -> None:
    found = Batch()
    for line, rejection in enumerate((INVALID, FUTURE, INVALID)):
        found.dead.append(dead_letter("t", 0, 5, from_micros(0), structs.replace(rejection, line=line)))
    telemetry.batch_started([record(0, 5)])
    assert "dossier_dead_letters_total invalid" not in values(telemetry)
    telemetry.batch_confirmed([record(0, 5)], found, 0.1)
    shown = values(telemetry)
    assert (shown["dossier_dead_letters_total invalid"], shown["dossier_dead_letters_total future"]) == (2, 1)


def test_operations_are_timed_and_their_retries_counted(telemetry: Telemetry, clock: Clock) -> None:
    with telemetry.operation("read", "facts"):
        telemetry.operation_retried("no route")
        telemetry.operation_retried("no route")
        clock.pass_(3)
    telemetry.operation_retried("of nothing")
    shown = values(telemetry)
    assert shown["dossier_operation_seconds_sum read facts"] == 3
    assert shown["dossier_retries_total read facts"] == 2


def test_what_runs_is_shown(telemetry: Telemetry) -> None:
    telemetry.built("1.2.3", IDENTITY)
    (build,) = [name for name in values(telemetry) if name.startswith("dossier_build_info")]
    assert build.split()[1:] == [str(IDENTITY.epoch), *IDENTITY.profile.rules.split(), "1.2.3"]


def verdict(telemetry: Telemetry) -> tuple[bool, bool, str]:
    health = telemetry.health()
    return health.live, health.ready, health.state


def test_a_worker_with_nothing_to_count_is_healthy_for_ever(telemetry: Telemetry, clock: Clock) -> None:
    for _ in range(1000):
        clock.pass_(ENDS_SECONDS)
        telemetry.loop_turned()
        telemetry.ends_read({0: 5, 1: 5})
    assert verdict(telemetry) == (True, True, "idle: everything is counted")
    telemetry.ends_read({0: 6})
    assert verdict(telemetry) == (True, True, "counting")


def test_a_worker_is_not_ready_before_it_is_a_member_and_while_partitions_are_divided(clock: Clock) -> None:
    telemetry = Telemetry(STALL, clock=clock.monotonic, now=clock.unix)
    clock.pass_(10 * STALL)
    assert verdict(telemetry) == (True, False, "not a member of the group yet")
    telemetry.assigned(set())
    telemetry.ends_read({})
    assert verdict(telemetry) == (True, True, "idle: everything is counted")
    telemetry.revoked()
    assert verdict(telemetry) == (True, False, "not a member of the group yet")


def test_an_event_loop_that_does_not_turn_needs_a_restart(telemetry: Telemetry, clock: Clock) -> None:
    clock.pass_(STALL - 1)
    assert telemetry.health().live
    clock.pass_(2)
    assert verdict(telemetry) == (False, False, "the event loop has not turned for 61 s")


@pytest.mark.parametrize("trouble", ["", "connection refused"])
def test_waiting_for_a_database_is_no_reason_for_a_restart(telemetry: Telemetry, clock: Clock, trouble: str) -> None:
    telemetry.batch_started([record(0, 5)])
    with under_way(telemetry, "insert", "windows", trouble):
        assert telemetry.health().ready
        for _ in range(1000):
            clock.pass_(ENDS_SECONDS)
            telemetry.loop_turned()
            telemetry.ends_read({0: 9})
        said = trouble or "no answer yet"
        assert verdict(telemetry) == (True, False, f"waiting for ClickHouse: {said} (insert of windows, for 5000 s)")
    assert telemetry.health().ready


def test_waiting_for_the_dead_letter_topic_is_waiting_for_kafka(telemetry: Telemetry, clock: Clock) -> None:
    with under_way(telemetry, "send", DEAD_LETTER_TOPIC):
        clock.pass_(10)
        assert telemetry.health().state.startswith("waiting for Kafka: no answer yet")


def test_records_that_wait_while_nothing_is_done_need_a_restart(telemetry: Telemetry, clock: Clock) -> None:
    telemetry.batch_started([record(0, 5)])
    clock.pass_(STALL)
    telemetry.loop_turned()
    telemetry.ends_read({0: 6})
    clock.pass_(1)
    telemetry.loop_turned()
    # The broker answered just now after a long silence: what could not move until then did not stall.
    assert telemetry.health().live
    for _ in range(20):
        clock.pass_(ENDS_SECONDS)
        telemetry.loop_turned()
        telemetry.ends_read({0: 6})
    assert verdict(telemetry) == (False, False, "stalled: 1 records wait, and none was counted for 101 s")
    telemetry.batch_confirmed([record(0, 5)], batch(1), 0.1)
    assert telemetry.health().live


def test_what_waits_for_an_open_transaction_is_lag_and_no_reason_for_a_restart(
    telemetry: Telemetry, clock: Clock
) -> None:
    telemetry.ends_read({0: 9, 1: 5}, {0: 5, 1: 5})
    clock.pass_(10 * STALL)
    telemetry.loop_turned()
    telemetry.ends_read({0: 9, 1: 5}, {0: 5, 1: 5})
    assert verdict(telemetry) == (True, True, "waiting for an open transaction to end: up to 4 records are behind it")
    assert telemetry.health().lag_records == 4
    for _ in range(13):
        telemetry.ends_read({0: 9, 1: 5}, {0: 9, 1: 5})
        clock.pass_(ENDS_SECONDS)
        telemetry.loop_turned()
    assert not telemetry.health().live, "it can be read now, and nobody does"


def test_an_offset_gap_is_progress_and_no_record(telemetry: Telemetry) -> None:
    records = [record(0, 5), offset_gap(0, 6, 8)]
    telemetry.ends_read({0: 9, 1: 5})
    telemetry.batch_started(records)
    telemetry.windows_confirmed(records)
    telemetry.batch_confirmed(records, batch(1), 0.1)
    assert telemetry.health().lag_records == 0
    assert values(telemetry)["dossier_records_total"] == 1
    assert values(telemetry)["dossier_freshness_seconds_count"] == 1


def test_a_broker_that_is_away_is_no_reason_for_a_restart(telemetry: Telemetry, clock: Clock) -> None:
    telemetry.ends_read({0: 9})
    for _ in range(1000):
        clock.pass_(1)
        telemetry.loop_turned()
    assert verdict(telemetry) == (True, False, "waiting for Kafka: no answer for 1000 s")
    telemetry.ends_read({0: 9})
    assert verdict(telemetry) == (True, True, "counting")


def test_progress_is_logged_now_and_then_only(
    telemetry: Telemetry, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for offset in range(5, 205):
        clock.pass_(0.1)
        telemetry.batch_started([record(0, offset)])
        telemetry.batch_confirmed([record(0, offset)], batch(2), 0.1)
    lines = [vars(line) for line in caplog.records]
    assert [(line["msg"], line["records"], line["events"], line["lag"]) for line in lines] == [
        ("counted", 100, 200, 0),
        ("counted", 100, 200, 0),
    ]
