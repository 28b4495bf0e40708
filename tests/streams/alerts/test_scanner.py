"""The watch for late dossiers on the real services: what it writes, and who may write it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from queue import Queue
from random import Random

import pytest
from kafka import KafkaProducer
from msgspec import structs

from schemas.alerts import DEFAULT_LEVELS, SIGNATURE, Alert, encode_alert, parse_levels, sign
from schemas.connection import KafkaConnection, Secret
from schemas.deployment_profile import DueSoon, Profile
from schemas.events import (
    Event,
    Extended,
    Received,
    Resolved,
    SupplementAnswered,
    SupplementRequested,
    TermSet,
    Transferred,
    Voided,
)
from schemas.topics import ALERTS, declared
from streams.alerts import log as alertlog
from streams.alerts import scanner as module
from streams.alerts.log import AlertLog
from streams.alerts.scanner import AlertingThread, OverdueScanner
from streams.alerts.topic import AlertReader, read_alerts
from streams.broker import topics
from streams.errors import Superseded, Unreachable
from streams.on_time.ruling import built_in_ruling
from streams.storage.deployment_plan import Plan
from tests.broker import delete_topics, make_deployment
from tests.counted_topic import ask, publish, work
from tests.foreign import CODECS, producer
from tests.streams.cases import at, said
from tests.thorough import sized

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

LEVELS = parse_levels(DEFAULT_LEVELS)
TERM = at("2026-03-12 16:00")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def plan(plan: Plan, kafka: KafkaConnection) -> Iterator[Plan]:
    plan = structs.replace(plan, kafka=kafka, partitions=2)
    make_deployment(plan)
    yield plan
    delete_topics(kafka)


def open_log(plan: Plan) -> AlertLog:
    return AlertLog(plan.kafka, plan.clickhouse)


@contextmanager
def scanning(plan: Plan) -> Iterator[OverdueScanner]:
    with closing(OverdueScanner(plan.kafka, plan.clickhouse, plan.profile, LEVELS, built_in_ruling)) as scanner:
        yield scanner


def brief(alerts: list[Alert]) -> list[tuple[str, str, str, str]]:
    return sorted((alert.dossier, alert.state, alert.level, alert.why) for alert in alerts)


def scan(plan: Plan, now: datetime) -> list[tuple[str, str, str, str]]:
    """The alerts of a worker that has just become the leader."""
    with scanning(plan) as scanner, closing(open_log(plan)) as log:
        assert scanner.scan(log, now).alerts == []
        return brief(list(scanner.scan(log, now).alerts))


def stored_alerts(plan: Plan) -> list[tuple[object, ...]]:
    """The alerts of the table, which must equal those of the topic."""
    rows = ask(plan, "SELECT seq, dossier, state, level, why, agency, term, at FROM dossier_alerts FINAL ORDER BY seq")
    names = ("seq", "dossier", "state", "level", "why", "agency", "term", "at")
    topic = [tuple(getattr(alert, name) for name in names) for _, alert in read_alerts(plan.kafka, 0)]
    assert rows == topic
    return rows


def dossier(name: str, term: datetime = TERM, agency: str = "H01") -> tuple[Event, Event]:
    return (
        said(Received, "2026-03-02 08:00", dossier=name, agency=agency, procedure="1.004194"),
        said(TermSet, "2026-03-02 08:01", dossier=name, term=term),
    )


def test_a_dossier_from_first_warning_to_its_end(plan: Plan) -> None:
    publish(plan.kafka, *dossier("D1"), *dossier("far", TERM + 90 * DAY))
    work(plan)
    assert scan(plan, TERM - 4 * DAY) == []
    assert scan(plan, TERM - 2 * DAY) == [("D1", "raised", "due-3d", "compared")]
    assert scan(plan, TERM - 2 * DAY) == []
    assert scan(plan, TERM + DAY) == [("D1", "raised", "overdue", "compared")]
    publish(plan.kafka, said(Resolved, "2026-03-13 17:00", dossier="D1"))
    work(plan)
    assert scan(plan, TERM + 2 * DAY) == [("D1", "cleared", "overdue", "resolved")]
    assert scan(plan, TERM + 9 * DAY) == []
    assert [row[0] for row in stored_alerts(plan)] == [1, 2, 3]
    assert ask(plan, "SELECT * FROM standing_alerts") == []


def test_what_the_law_calls_in_time_is_not_overdue(plan: Plan) -> None:
    by_date = structs.replace(plan, profile=Profile(terms="date"))
    publish(plan.kafka, *dossier("D1"))
    work(plan)
    assert scan(by_date, at("2026-03-12 23:59")) == [("D1", "raised", "due-soon", "compared")]
    assert scan(by_date, at("2026-03-13 00:00")) == [("D1", "raised", "overdue", "compared")]


def test_extended_transferred_voided(plan: Plan) -> None:
    publish(plan.kafka, *dossier("longer"), *dossier("moved"), *dossier("mistake"))
    work(plan)
    assert {level for _, _, level, _ in scan(plan, TERM + DAY)} == {"overdue"}
    publish(
        plan.kafka,
        said(Extended, "2026-03-13 17:00", dossier="longer", term=TERM + 20 * DAY, apology=True),
        said(Transferred, "2026-03-13 17:00", dossier="moved", agency="H02"),
        said(Voided, "2026-03-13 17:00", dossier="mistake"),
    )
    work(plan)
    assert scan(plan, TERM + 2 * DAY) == [
        ("longer", "cleared", "overdue", "term"),
        ("mistake", "cleared", "overdue", "voided"),
        ("moved", "cleared", "overdue", "agency"),
        ("moved", "raised", "overdue", "compared"),
    ]
    assert ask(plan, "SELECT dossier, agency, level FROM standing_alerts") == [("moved", "H02", "overdue")]


def test_a_dossier_that_waits_is_not_due_until_its_clock_goes_on(plan: Plan) -> None:
    publish(plan.kafka, *dossier("D1"))
    work(plan)
    assert scan(plan, TERM - DAY / 2) == [("D1", "raised", "due-soon", "compared")]
    publish(plan.kafka, said(SupplementRequested, "2026-03-12 08:00", dossier="D1", number=1))
    work(plan)
    assert scan(plan, TERM - DAY / 4) == [("D1", "cleared", "due-soon", "waiting")]
    assert scan(plan, TERM + 9 * DAY) == []
    # It waited from Thursday to Monday morning: two working days.
    publish(plan.kafka, said(SupplementAnswered, "2026-03-16 08:00", dossier="D1", number=1))
    work(plan)
    later = at("2026-03-16 16:00")
    assert scan(plan, later) == [("D1", "raised", "due-soon", "compared")]
    assert scan(plan, later + HOUR) == [("D1", "raised", "overdue", "compared")]
    ((rule, term, deadline),) = ask(plan, "SELECT rule, term, deadline FROM standing_alerts")
    assert (rule, term, deadline) == ("instant v2", later, later)


def test_a_second_request_for_supplements_is_overdue_by_decision_766(plan: Plan) -> None:
    by_766 = structs.replace(plan, profile=structs.replace(plan.profile, leading_rule="decision 766"))
    publish(
        plan.kafka,
        *dossier("D1", TERM + 90 * DAY),
        said(SupplementRequested, "2026-03-10 08:00", dossier="D1", number=1),
        said(SupplementRequested, "2026-03-11 08:00", dossier="D1", number=2),
    )
    work(plan)
    second = at("2026-03-11 08:00")
    assert scan(by_766, second - HOUR) == []
    assert scan(by_766, second) == [("D1", "raised", "overdue", "repeated supplement")]
    assert scan(by_766, second + 3 * DAY) == [("D1", "raised", "overdue-3d", "repeated supplement")]
    # By the instant its clock stands.
    assert scan(plan, second + 4 * DAY) == [("D1", "cleared", "overdue-3d", "waiting")]


def test_due_soon_counts_working_hours(plan: Plan) -> None:
    profile = structs.replace(plan.profile, due_soon=DueSoon(8, "working hours"))
    monday = at("2026-03-16 10:00")
    publish(plan.kafka, *dossier("D1", monday))
    work(plan)
    by_working_hours = structs.replace(plan, profile=profile)
    # Eight working hours before Monday at 10:00 is Friday at 10:00.
    assert scan(by_working_hours, at("2026-03-13 10:00")) == []
    assert scan(by_working_hours, at("2026-03-13 10:01")) == [("D1", "raised", "due-soon", "compared")]


def test_nothing_is_said_while_a_history_is_counted(plan: Plan) -> None:
    publish(plan.kafka, *dossier("D1"))
    work(plan)
    # Published but not counted yet: the dossier is not late at all.
    publish(plan.kafka, said(Resolved, "2026-03-03 17:00", dossier="D1"))
    with scanning(plan) as scanner, closing(open_log(plan)) as log:
        for _ in range(3):
            assert scanner.scan(log, TERM + DAY).alerts == []
        work(plan)
        assert scanner.scan(log, TERM + DAY).alerts == []


def test_a_look_is_bounded_and_the_next_goes_on(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DOSSIERS_PER_SCAN", 2)
    publish(plan.kafka, *(event for number in range(5) for event in dossier(f"D{number}")))
    work(plan)
    with scanning(plan) as scanner, closing(open_log(plan)) as log:
        assert [len(scanner.scan(log, TERM + DAY).alerts) for _ in range(5)] == [0, 2, 2, 1, 0]
    assert len({name for _, name, *_ in stored_alerts(plan)}) == 5


def test_a_dossier_that_the_counts_no_longer_know(plan: Plan) -> None:
    publish(plan.kafka, *dossier("D1"))
    work(plan)
    assert scan(plan, TERM + DAY) == [("D1", "raised", "overdue", "compared")]
    ask(plan, "TRUNCATE TABLE facts")
    assert scan(plan, TERM + DAY) == [("D1", "cleared", "overdue", "gone")]


def test_a_crash_between_topic_and_table_repeats_nothing(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(plan.kafka, *dossier("D1"), *dossier("D2"))
    work(plan)

    def crash(*_: object) -> None:
        raise Unreachable("killed")

    with monkeypatch.context() as during:
        during.setattr(alertlog, "_insert", crash)
        with pytest.raises(Unreachable, match="killed"):
            scan(plan, TERM + DAY)
    assert ask(plan, "SELECT count() FROM dossier_alerts") == [(0,)]
    # Whoever comes next says only what is new, even where meanwhile something else is true.
    publish(plan.kafka, said(Resolved, "2026-03-13 17:00", dossier="D1"))
    work(plan)
    assert scan(plan, TERM + 2 * DAY) == [("D1", "cleared", "overdue", "resolved")]
    assert len(stored_alerts(plan)) == 3


def test_a_transaction_that_was_left_open_was_never_said(plan: Plan) -> None:
    publish(plan.kafka, *dossier("D1"))
    work(plan)
    killed = open_log(plan)
    killed._producer.begin_transaction()
    killed._producer.send(ALERTS, b"{}", partition=0).get(timeout=10)
    assert scan(plan, TERM + DAY) == [("D1", "raised", "overdue", "compared")]
    killed.close()
    assert len(stored_alerts(plan)) == 1


def test_alerts_are_read_whatever_compresses_them(plan: Plan) -> None:
    said_at = at("2026-03-02 08:00")
    for seq, codec in enumerate(CODECS, 1):
        alert = Alert(
            seq=seq,
            dossier=f"D{seq}",
            state="raised",
            level="due-soon",
            why="",
            agency="H01",
            procedure="",
            term=said_at,
            at=said_at,
        )
        with producer(plan.kafka, codec=codec) as foreign:
            foreign.send(ALERTS, encode_alert(alert), key=alert.dossier.encode(), partition=0)
    assert [alert.seq for _, alert in read_alerts(plan.kafka, 0)] == [1, 2, 3, 4, 5]


def test_a_zombie_cannot_write(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(plan.kafka, *dossier("D1"))
    work(plan)
    with scanning(plan) as scanner, closing(open_log(plan)) as zombie:
        scanner.scan(zombie, TERM + DAY)
        assert scan(plan, TERM + DAY) == [("D1", "raised", "overdue", "compared")]
        ask(plan, "TRUNCATE TABLE dossier_alerts")  # so that it has something to say
        with pytest.raises(Superseded, match="another worker scans"):
            scanner.scan(zombie, TERM + DAY)
        with pytest.raises(Superseded, match="another worker scans"):  # the client refuses to begin
            scanner.scan(zombie, TERM + DAY)
        monkeypatch.setattr(zombie._producer, "begin_transaction", lambda: None)
        with pytest.raises(Superseded, match="another worker scans"):  # it hears of it between begin and send
            scanner.scan(zombie, TERM + DAY)
    assert len(list(read_alerts(plan.kafka, 0))) == 1


def test_a_database_that_was_restored_gets_what_it_lacks_from_the_topic(plan: Plan) -> None:
    publish(plan.kafka, *dossier("D1"))
    work(plan)
    scan(plan, TERM - 2 * DAY)
    scan(plan, TERM + DAY)
    before = stored_alerts(plan)
    ask(plan, "ALTER TABLE dossier_alerts DELETE WHERE seq > 1 SETTINGS mutations_sync = 2")
    assert scan(plan, TERM + DAY) == []
    assert stored_alerts(plan) == before


def test_a_topic_that_was_made_anew_goes_on_with_the_next_number(plan: Plan) -> None:
    publish(plan.kafka, *dossier("D1"))
    work(plan)
    scan(plan, TERM - 2 * DAY)
    scan(plan, TERM - DAY / 2)
    make_topic_anew(plan)
    assert scan(plan, TERM + DAY) == [("D1", "raised", "overdue", "compared")]
    assert [alert.seq for _, alert in read_alerts(plan.kafka, 0)] == [3]
    assert ask(plan, "SELECT level FROM standing_alerts") == [("overdue",)]


def test_what_no_worker_wrote_is_not_believed(plan: Plan, caplog: pytest.LogCaptureFixture) -> None:
    publish(plan.kafka, *dossier("D1"))
    work(plan)
    key = Secret("a key of some length")
    with scanning(plan) as scanner, closing(AlertLog(plan.kafka, plan.clickhouse, key)) as log:
        scanner.scan(log, TERM + DAY)
        (true,) = scanner.scan(log, TERM + DAY).alerts
    forged = structs.replace(true, seq=2, dossier="D2")
    value = encode_alert(forged)
    producer = KafkaProducer(**plan.kafka.options())
    for content, signature in (
        (value, b""),
        (value, sign(Secret("another key, as long"), value)),
        (value, sign(key, encode_alert(true))),
        (b"[" * 100_000, b""),
    ):
        producer.send(ALERTS, content, key=b"D2", partition=0, headers=[(SIGNATURE, signature)])
    producer.send(ALERTS, value, key=b"D3", partition=0, headers=[(SIGNATURE, sign(key, value))])
    producer.close()
    assert [alert for _, alert in read_alerts(plan.kafka, 0, key)] == [true]
    with closing(AlertLog(plan.kafka, plan.clickhouse, key)) as log:
        assert log.next == 2
    assert [row[1] for row in ask(plan, "SELECT seq, dossier FROM dossier_alerts FINAL")] == ["D1"]
    with closing(AlertReader(plan.kafka, "test-key", everything=True, key=key)) as new:
        found: list[Alert] = []
        while not found:
            found = new.poll()
        assert found == [true]
    reasons = {
        record.__dict__["reason"][:40]
        for record in caplog.records
        if record.message == "a record is no valid alert, it is skipped"
    }
    assert {"it is not signed with DOSSIER_ALERT_KEY", "its key is not its dossier"} <= reasons


def make_topic_anew(plan: Plan) -> None:
    """Make the topic of alerts anew."""
    with topics.admin(plan.kafka) as client:
        client.delete_topics([ALERTS])
        while topics.find(client, [ALERTS]):
            pass
        topics.create(client, next(topic for topic in declared(2, 1) if topic.name == ALERTS))


@pytest.mark.parametrize("seed", range(sized(1, 4)))
def test_the_query_leaves_out_nothing_that_changes(plan: Plan, seed: int) -> None:
    """Many dossiers and moments: after each look a second one, by a new watch, has nothing to add."""
    random = Random(seed)
    names = [f"D{number}" for number in range(30)]
    now = TERM
    publish(plan.kafka, *(event for name in names for event in dossier(name, TERM + random.randrange(-5, 6) * DAY)))
    for turn in range(4):
        work(plan)
        scan(plan, now)
        stands = {
            name: (level, agency)
            for name, level, agency in ask(plan, "SELECT dossier, level, agency FROM standing_alerts")
        }
        open_ = ask(plan, "SELECT dossier, agency, term FROM dossiers WHERE is_open")
        assert stands == {name: (level, agency) for name, agency, term in open_ if (level := reached(now - term))}
        now += timedelta(days=random.randrange(1, 3), hours=random.randrange(24))
        for name in random.sample(names, 8):
            when = f"{now:%Y-%m-%d %H:%M:%S}"
            publish(
                plan.kafka,
                random.choice(
                    [
                        said(Resolved, when, dossier=name),
                        said(Extended, when, dossier=name, term=now + random.randrange(-4, 5) * DAY, number=turn + 2),
                        said(Transferred, when, dossier=name, agency=random.choice(["H01", "H02"])),
                    ]
                ),
            )
    stored_alerts(plan)


def test_who_takes_over_again_knows_nothing_of_before(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted up to where a partition ended long ago may be far from where it ends now."""
    monkeypatch.setattr(module, "_PAUSE_FACTOR", 1)
    publish(plan.kafka, *dossier("D1"))
    work(plan)
    opened: list[OverdueScanner] = []
    scans: Queue[int] = Queue()

    def open_scanner() -> OverdueScanner:
        opened.append(OverdueScanner(plan.kafka, plan.clickhouse, plan.profile, LEVELS, built_in_ruling))
        return opened[-1]

    thread = AlertingThread(
        lambda: open_log(plan), open_scanner, lambda scan, _: scans.put(len(scan.alerts)), seconds=0.05
    )
    thread.set_leader(True)
    assert [scans.get(timeout=30) for _ in range(2)] == [0, 1]
    thread.set_leader(False)
    while not scans.empty():
        scans.get()
    # While nobody watched, a dossier was counted, and its extension not yet: it only seems to be scanner.
    publish(plan.kafka, *dossier("D2"))
    work(plan)
    publish(plan.kafka, said(Extended, "2026-03-03 17:00", dossier="D2", term=at("2099-01-01 00:00")))
    thread.set_leader(True)
    assert [scans.get(timeout=30) for _ in range(3)] == [0, 0, 0]
    thread.set_leader(False)
    assert len(opened) == 2
    assert opened[0] is not opened[1]


def reached(late: timedelta) -> str:
    """The level of a dossier that is so late."""
    found = [level.name for level in LEVELS if late > level.after]
    return found[-1] if found else ""
