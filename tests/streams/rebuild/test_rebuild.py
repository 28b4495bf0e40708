"""A rebuild gives what a fresh count gives, whatever ends it in between, and readers never see anything else."""

import gc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from clickhouse_driver import Client
from msgspec import structs

from schemas import ddl
from schemas.connection import KafkaConnection
from schemas.deployment_profile import Profile
from schemas.events import MAX_NUMBERED, Paid, Received, Resolved, TermSet
from schemas.reference.procedure import ProcedureVersion
from schemas.tables import REFRESHES
from schemas.topics import EVENTS
from streams.audit.audit_run import audit
from streams.counting.identity import Identity
from streams.counting.log_position import unpack
from streams.errors import (
    Diverged,
    LostEvents,
    NeedsReason,
    NotMigrated,
    RefusedRow,
    Superseded,
    Unfinished,
    WrongIdentity,
)
from streams.on_time.ruling import built_in_ruling
from streams.rebuild.preconditions import Source
from streams.rebuild.rebuild import Rebuild
from streams.reference.kinds import KINDS
from streams.reference.loads import write
from streams.reference.ruling_changes import adopt
from streams.reference.ruling_pins import BUILT_IN, held, pin_newest
from streams.storage import table_migration
from streams.storage.clickhouse_client import database
from streams.storage.deployment_plan import Plan
from streams.storage.epochs import read_history
from streams.storage.migration import identify, make_topics, migrate
from streams.storage.rollups import refresh
from streams.storage.state_folder import folders
from streams.storage.table_migration import make_tables
from tests.broker import delete_topics, make_deployment
from tests.counted_topic import (
    add_partitions,
    ask,
    count_on,
    delete_records,
    publish,
    random_events,
    shown,
    work,
)
from tests.streams.cases import at, said
from tests.thorough import sized

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse, pytest.mark.scenario]


class Onlooker:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.done: list[tuple[int, int]] = []

    def step(self, line: str) -> None:
        self.lines.append(line)

    def counted(self, done: int, total: int) -> None:
        self.done.append((done, total))

    def waiting_for(self, workers: set[str]) -> None:
        raise AssertionError(workers)


def rebuild(
    plan: Plan, source: Source | None = None, *, records: int = 3, take_over: bool = False, why: str = ""
) -> Onlooker:
    onlooker = Onlooker()
    with TemporaryDirectory() as folder:
        state = Path(folder)
        Rebuild(plan, source, onlooker, records=records, take_over=take_over, state=state, why=why).run()
        assert folders(state) == []
    return onlooker


@pytest.fixture
def empty(plan: Plan, kafka: KafkaConnection) -> Iterator[Plan]:
    """A migrated deployment of two partitions on a broker of its own topics."""
    plan = structs.replace(plan, kafka=kafka, partitions=2)
    make_deployment(plan)
    yield plan
    delete_topics(kafka)


@pytest.fixture
def counted(empty: Plan) -> Plan:
    """One that has counted sixty events, two broken lines, and one event of the wrong partition."""
    events = random_events(seed=1, count=60)
    publish(empty.kafka, *events[:40], b"{", b"", *events[40:])
    publish(empty.kafka, events[0], partition=1 if events[0].dossier != "D1" else 0)
    work(empty, at_once=30)
    return empty


def differences(plan: Plan) -> int:
    return audit(plan.clickhouse, plan.profile).differences


def tables(plan: Plan) -> set[str]:
    return {name for (name,) in ask(plan, "SELECT name FROM system.tables WHERE database = currentDatabase()")}


@pytest.mark.parametrize("source", ["events", "topic"])
def test_what_was_damaged_is_healed_and_counting_goes_on(counted: Plan, source: Source) -> None:
    before, made = shown(counted), tables(counted)
    ask(counted, "INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, received + 1 AS received) FROM windows FINAL")
    ask(counted, "INSERT INTO facts SELECT * REPLACE (pos + 1 AS pos, 'nowhere' AS agency) FROM facts FINAL LIMIT 1")
    assert differences(counted)
    assert shown(counted) != before
    onlooker = rebuild(counted, source)
    assert onlooker.done[-1][0] == onlooker.done[-1][1]
    assert shown(counted) == before
    assert differences(counted) == 0
    assert tables(counted) == made

    more = random_events(seed=2, count=20)
    publish(counted.kafka, *more)
    work(counted)
    after = shown(counted)
    assert after != before
    assert differences(counted) == 0
    rebuild(counted, source)
    assert shown(counted) == after
    assert [entry.epoch for entry in history(counted)] == [1, 3, 5]


def test_rollups_are_of_the_new_counts_when_it_ends(counted: Plan) -> None:
    received = "SELECT sum(received) FROM"
    before = ask(counted, f"{received} windows FINAL")
    ask(counted, "INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, received + 1 AS received) FROM windows FINAL")
    with database(counted.clickhouse) as client:
        refresh(client, REFRESHES)
    assert ask(counted, f"{received} agency_past") != before
    assert "fill the roll-ups" in rebuild(counted).lines
    assert ask(counted, f"{received} agency_past") == ask(counted, f"{received} agency_months") == before


def test_a_full_dossier_stays_what_it_is_from_the_topic_and_from_raw_events(empty: Plan) -> None:
    common = {"dossier": "D1", "amount": 1, "method": "cash"}
    paid = [said(Paid, "2026-03-02 08:00", id=f"p{n}", transaction=f"T{n}", **common) for n in range(MAX_NUMBERED + 5)]
    # Their ids are not in the order in which they come.
    publish(empty.kafka, said(Received, "2026-03-01 08:00", agency="H01"), *reversed(paid))
    assert [letter.reason for letter in work(empty, at_once=200).letters] == ["full"] * 5
    before = shown(empty)
    for source in ("topic", "events"):
        rebuild(empty, source, records=200)
        assert shown(empty) == before
        assert differences(empty) == 0
    # What was taken by another release, whose limit was higher, is counted.
    ask(
        empty,
        "INSERT INTO events SELECT * REPLACE ('more' AS id, replace(payload, 'T9', 'more') AS payload) "
        "FROM (SELECT * FROM events FINAL WHERE id = 'p9')",
    )
    rebuild(empty, "events", records=200)
    assert differences(empty) == 0
    assert ask(empty, "SELECT length(payment_at) FROM facts FINAL") == [(MAX_NUMBERED + 1,)]


def history(plan: Plan) -> list[Any]:
    with database(plan.clickhouse) as client:
        return list(read_history(client).entries)


def test_it_counts_by_the_loads_that_were_current_when_it_began(empty: Plan) -> None:
    publish(empty.kafka, said(Received, "2026-03-03 09:00", agency="H01", procedure="P", channel="online"))
    work(empty)
    with database(empty.clickhouse) as client:
        loads = [promising(client, days) for days in (3, 4, 5)]
        assert adopt(client, empty.profile, 1).pin.loads == BUILT_IN
        terms, serving = "SELECT toString(term_computed) FROM facts FINAL", pin_newest(client, 3)
        assert serving.loads.procedures == loads[-1]
        later = promising(client, 6)
        preview = Rebuild(empty, None, Onlooker()).preview()
        assert f"loads that decide terms: the built-in calendar -> procedures {loads[-1]}" in preview
        assert f"terms are decided by procedures {loads[-1]}" in rebuild(empty, why="a load of procedures").lines
        assert ask(empty, terms) == [("2026-03-10 02:00:00.000000",)]
        assert adopt(client, empty.profile, 3).waiting[0].load == later
        for source in ("topic", "events"):
            rebuild(empty, source, why="another one")
            assert ask(empty, terms) == [("2026-03-11 02:00:00.000000",)]
        assert held(client, 7).loads.procedures == later
    assert differences(empty) == 0


def promising(client: Client, days: int) -> int:
    """Load a procedure with a term of so many working days; returns the number of the load."""
    procedure = ProcedureVersion(code="P", name_vi="x", service_level="full", term=days, unit="working days")
    load = write(client, KINDS["procedures"], [procedure], by="lan")
    assert load is not None
    return load.load


def test_an_empty_database_is_rebuilt_to_an_empty_one(empty: Plan) -> None:
    for source in ("events", "topic"):
        rebuild(empty, source)
        assert shown(empty) == ({}, {})
    assert identify(empty).epoch == 5
    publish(empty.kafka, *random_events(seed=3, count=10))
    work(empty)
    assert shown(empty) != ({}, {})
    assert differences(empty) == 0


class Killed(Exception):
    """What a process does not come back from: every later statement fails, too."""


class Death:
    """Lets so many statements through, then kills."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, statements: int) -> None:
        self.left = statements
        self.done = 0
        for name in ("execute", "execute_iter"):
            monkeypatch.setattr(Client, name, self._counted(getattr(Client, name)))

    def _counted(self, real: Any) -> Any:
        def execute(client: Client, *arguments: Any, **named: Any) -> Any:
            self.done += 1
            if self.done > self.left:
                raise Killed
            return real(client, *arguments, **named)

        return execute


# kafka-python leaves a socket to the garbage collector where a client is closed amid a request.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
# The thread that restores local state dies with its process, too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(("source", "step"), [("events", sized(16, 1)), ("topic", sized(48, 4))])
def test_killed_at_any_statement_it_is_finished_by_the_next(
    counted: Plan, source: Source, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = shown(counted)
    statements = 0
    while True:
        with monkeypatch.context() as dying:
            death = Death(dying, statements)
            try:
                rebuild(counted, source, records=20)
            except Killed:
                pass
            else:
                break
        assert shown(counted) == expected, f"after {statements} statements readers see something else"
        rebuild(counted, records=20)
        assert shown(counted) == expected, f"killed after {statements} statements it was finished otherwise"
        statements += step
    assert death.done <= statements
    assert statements > 30
    assert differences(counted) == 0
    # Collected here, where what they say of it is ignored.
    gc.collect()
    assert not [name for name in tables(counted) if name.endswith(("_rebuilt", "_replayed"))]
    publish(counted.kafka, *random_events(seed=4, count=10))
    work(counted)
    assert differences(counted) == 0


def test_events_ahead_of_progress_are_counted_once(counted: Plan) -> None:
    """A worker died between the events and the progress of a batch: they come again after the rebuild."""
    publish(counted.kafka, *random_events(seed=5, count=15))
    ask(counted, "CREATE TABLE kept AS progress")
    ask(counted, "INSERT INTO kept SELECT * FROM progress FINAL")
    count_on(counted, identify(counted), commits=False)
    expected = shown(counted)
    ask(counted, "EXCHANGE TABLES kept AND progress")
    ask(counted, "DROP TABLE kept SYNC")
    rebuild(counted)
    assert shown(counted) == expected
    work(counted)
    assert shown(counted) == expected
    assert differences(counted) == 0


def test_other_rules_change_what_counts_and_the_views_with_it(counted: Plan) -> None:
    publish(
        counted.kafka,
        said(Received, "2026-03-03 08:00", dossier="an hour late", agency="H01"),
        said(TermSet, "2026-03-03 08:00", dossier="an hour late", term=at("2026-03-03 15:00")),
        said(Resolved, "2026-03-03 16:00", dossier="an hour late"),
    )
    work(counted)
    by_date = structs.replace(counted, profile=Profile(terms="date"))
    with pytest.raises(WrongIdentity, match=r"rules .*`dossier rebuild`"):
        work(by_date)
    make_tables(by_date, lambda _: None, dry_run=False)
    assert terms_of_views(counted) == "instant"
    before = shown(counted)
    with pytest.raises(NeedsReason):
        rebuild(by_date)
    assert len(history(counted)) == 1, "nothing was begun"
    rebuild(by_date, why="Circular 1")
    assert terms_of_views(counted) == "date"
    assert shown(by_date) != before
    assert differences(by_date) == 0
    work(by_date)
    with pytest.raises(WrongIdentity):
        work(counted)
    rebuild(counted, why="Circular 1 was revoked")
    assert shown(counted) == before
    moved = ask(
        counted, "SELECT epoch, why, figure, before, after FROM figure_restatements WHERE rule = '' ORDER BY ALL"
    )
    there = [(figure, was, is_) for epoch, why, figure, was, is_ in moved if (epoch, why) == (3, "Circular 1")]
    back = [(figure, is_, was) for epoch, _, figure, was, is_ in moved if epoch == 5]
    assert there == sorted(back)
    assert [figure for figure, *_ in there] == ["resolved_on_time"]
    assert [entry.origin.rules for entry in history(counted)] == [
        profile.rules for profile in (Profile(), Profile(terms="date"), Profile())
    ]


def test_tables_that_were_changed_or_dropped_come_anew_as_declared(counted: Plan) -> None:
    before = shown(counted)
    ask(counted, "ALTER TABLE facts MODIFY COLUMN case_kind String")
    ask(counted, "DROP TABLE windows SYNC")
    left = make_tables(counted, lambda _: None, dry_run=True)
    assert [words.split(" is ")[0] for words in left] == ["table facts: column case_kind", "table windows"]
    rebuild(counted)
    told: list[str] = []
    assert (make_tables(counted, told.append, dry_run=False), told) == ([], [])
    assert shown(counted) == before
    assert differences(counted) == 0


def terms_of_views(plan: Plan) -> str:
    ((rule,),) = ask(plan, "SELECT rule FROM leading_rule")
    return str(rule)


def test_a_topic_made_anew_goes_on_with_the_counts_of_the_former(counted: Plan) -> None:
    before = shown(counted)
    delete_topics(counted.kafka)
    make_topics(counted, lambda _: None, dry_run=False)
    with pytest.raises(WrongIdentity, match=r"made anew.*`dossier rebuild`"):
        work(counted)
    with pytest.raises(Diverged, match=r"made anew .*`dossier rebuild`"):
        rebuild(counted, "topic")
    rebuild(counted)
    assert shown(counted) == before
    publish(counted.kafka, *random_events(seed=6, count=12))
    work(counted)
    assert shown(counted) != before
    assert differences(counted) == 0
    # The topic does not hold what was counted of the former one.
    with pytest.raises(Diverged, match="made anew"):
        rebuild(counted, "topic")


def test_other_partitions_take_the_counts_of_their_dossiers(counted: Plan) -> None:
    before = shown(counted)
    old = random_events(seed=7, count=20)
    publish(counted.kafka, *old)
    add_partitions(counted.kafka, 3)
    with pytest.raises(WrongIdentity, match=r"partition count 2, but now it is 3.*`dossier rebuild`"):
        work(counted)
    rebuild(counted)
    assert shown(counted) == before
    new = random_events(seed=8, count=20)
    publish(counted.kafka, *new)
    dead = work(counted)
    assert shown(counted) != before
    assert differences(counted) == 0
    # Those that were published by the former partition count are put aside, where they can be published again.
    assert {letter.reason for letter in dead.letters} == {"misplaced"}
    (stored,) = ask(counted, "SELECT count() FROM events FINAL WHERE id IN %(ids)s", {"ids": [each.id for each in old]})
    assert stored[0] == len({event.id for event in old}) - len(dead.letters)


def test_a_topic_that_was_cut_off_is_counted_again_from_its_start(counted: Plan) -> None:
    """Records of the topic were lost although they had been counted, and others have their offsets."""
    before = shown(counted)
    ask(
        counted,
        "INSERT INTO progress SELECT * REPLACE (pos + 10 * 4096 AS pos, offset + 10 AS offset, "
        "record_offset + 10 AS record_offset) FROM progress FINAL",
    )
    with pytest.raises(Diverged, match=r"it was truncated.*`dossier rebuild`"):
        work(counted)
    publish(counted.kafka, *random_events(seed=9, count=60))
    with pytest.raises(Diverged, match=r"has another record at offset .*`dossier rebuild`"):
        work(counted)
    with pytest.raises(Diverged, match="does not hold all that was counted"):
        rebuild(counted, "topic")
    rebuild(counted)
    assert shown(counted) == before
    work(counted)
    assert shown(counted) != before
    assert differences(counted) == 0
    (stored,) = ask(counted, "SELECT count() FROM events FINAL")
    fresh = {event.id for seed, count in ((1, 60), (9, 60)) for event in random_events(seed, count)}
    assert stored[0] == len(fresh)


def test_a_gap_is_not_hidden_by_a_rebuild(counted: Plan) -> None:
    publish(counted.kafka, *random_events(seed=10, count=30))
    (standing,) = ask(counted, "SELECT max(offset) FROM progress FINAL WHERE partition = 0")
    delete_records(counted.kafka, {0: standing[0] + 3})
    rebuild(counted)
    with pytest.raises(LostEvents, match="2 records were deleted before they were counted"):
        work(counted)


def test_another_cluster_is_taken_over_only_when_it_is_said(counted: Plan) -> None:
    ask(
        counted,
        "INSERT INTO deployment SELECT * REPLACE ('gone' AS cluster, 'other' AS topic_id, changed_at + 1 AS changed_at)"
        " FROM deployment FINAL",
    )
    for attempt in (work, rebuild):
        with pytest.raises(WrongIdentity, match=r"belongs to the deployment on Kafka cluster gone.*DOSSIER_DATABASE"):
            attempt(counted)
    before = shown(counted)
    rebuild(counted, take_over=True)
    work(counted)
    assert shown(counted) == before


def test_a_deployment_of_a_former_version_learns_its_cluster(counted: Plan) -> None:
    ask(
        counted,
        "INSERT INTO deployment SELECT * REPLACE ('' AS cluster, changed_at + 1 AS changed_at) FROM deployment FINAL",
    )
    work(counted)
    migrate(counted, lambda _: None)
    (entry,) = history(counted)
    assert entry.origin.cluster


class Interrupting(Onlooker):
    """Ends the rebuild after the first batch."""

    def counted(self, done: int, total: int) -> None:
        super().counted(done, total)
        raise Killed


def interrupt(plan: Plan, source: Source = "events") -> None:
    with pytest.raises(Killed):
        Rebuild(plan, source, Interrupting(), records=1).run()


def test_an_unfinished_rebuild_is_finished_or_given_up_and_nothing_else(counted: Plan) -> None:
    before, made = shown(counted), tables(counted)
    interrupt(counted)
    assert shown(counted) == before
    for refused in (work, lambda plan: migrate(plan, lambda _: None)):
        with pytest.raises(Unfinished, match="finish it with `dossier rebuild`"):
            refused(counted)
    with pytest.raises(Unfinished, match="finish it with the settings that it was begun with"):
        rebuild(structs.replace(counted, profile=Profile(terms="date")))
    with pytest.raises(Unfinished, match="finish it with the settings that it was begun with"):
        rebuild(counted, "topic")
    assert Rebuild(counted, None, Onlooker()).abandon()
    assert not Rebuild(counted, None, Onlooker()).abandon()
    assert tables(counted) == made
    work(counted)
    assert identify(counted).epoch == 1
    rebuild(counted)
    assert shown(counted) == before
    assert identify(counted).epoch == 5


def test_past_the_exchange_there_is_no_way_back(counted: Plan) -> None:
    class AtExchange(Onlooker):
        def step(self, line: str) -> None:
            if line == "exchange facts":
                raise Killed

    with pytest.raises(Killed):
        Rebuild(counted, None, AtExchange()).run()
    with pytest.raises(Unfinished, match="cannot be given up: finish it with `dossier rebuild`"):
        Rebuild(counted, None, Onlooker()).abandon()
    assert "the counts are exchanged" in Rebuild(counted, None, Onlooker()).preview()[-1]
    rebuild(counted)
    assert differences(counted) == 0


@pytest.mark.parametrize("source", ["events", "topic"])
def test_what_was_counted_before_an_interruption_is_not_counted_again(counted: Plan, source: Source) -> None:
    before = shown(counted)
    interrupt(counted, source)
    onlooker = rebuild(counted)
    assert not [line for line in onlooker.lines if line.startswith("count ")]
    assert shown(counted) == before


def test_events_that_come_amid_a_rebuild_make_it_begin_anew(counted: Plan) -> None:
    """A worker that nobody sees any more still writes what it had read."""
    interrupt(counted)
    publish(counted.kafka, *random_events(seed=11, count=10))
    with database(counted.clickhouse) as client:
        serving = read_history(client).serving
    assert serving is not None
    count_on(counted, structs.replace(identity_of(counted), epoch=serving.epoch), commits=False)
    expected = shown(counted)
    onlooker = rebuild(counted)
    assert [line for line in onlooker.lines if line.startswith("count ")]
    assert shown(counted) == expected
    work(counted)
    assert shown(counted) == expected
    assert differences(counted) == 0


def identity_of(plan: Plan) -> Identity:
    return Identity(EVENTS, plan.partitions, 0, plan.profile, built_in_ruling(plan.profile.time_zone))


def test_a_worker_of_a_former_epoch_can_write_nothing(counted: Plan) -> None:
    former = identify(counted)
    rebuild(counted)
    before = shown(counted)
    publish(counted.kafka, *random_events(seed=12, count=20))
    with pytest.raises(Superseded, match=r"were rebuilt while this worker slept.*restart it"):
        count_on(counted, former, commits=False)
    assert shown(counted) == before
    work(counted)
    assert differences(counted) == 0


def test_not_even_how_far_it_came(counted: Plan) -> None:
    """All it had were events that are counted: only its progress could have passed others by."""
    former = identify(counted)
    rebuild(counted)
    (first,) = random_events(seed=1, count=1)
    publish(counted.kafka, first)
    with pytest.raises(Superseded, match="progress accepted none of its rows"):
        count_on(counted, former, commits=False)
    assert {unpack(pos)[0] for (pos,) in ask(counted, "SELECT pos FROM progress FINAL")} == {3}


def test_a_migration_waits_for_the_rebuild(counted: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(counted)
    later = (*ddl.migrations(replicated=False), ddl.Script("9999_later.sql", ("SELECT 1",)))
    monkeypatch.setattr(table_migration, "migrations", lambda _: later)
    with pytest.raises(Unfinished, match=r"9999_later.sql would change tables .*`dossier rebuild --abandon`"):
        make_tables(counted, lambda _: None, dry_run=False)


@pytest.mark.parametrize("column", ["'exploded' AS kind", "'{}' AS payload", "'' AS id"])
def test_an_event_that_this_version_does_not_know_ends_it(counted: Plan, column: str) -> None:
    before = shown(counted)
    paid = "SELECT * FROM events WHERE kind = 'paid' LIMIT 1"
    ask(counted, f"INSERT INTO events SELECT * REPLACE ({column}) FROM ({paid})")
    with pytest.raises(RefusedRow, match="the table events holds an event that this version "):
        rebuild(counted)
    assert shown(counted) == before
    assert Rebuild(counted, None, Onlooker()).abandon()
    work(counted)


def test_a_database_of_no_topic_has_nothing_to_rebuild(plan: Plan, kafka: KafkaConnection) -> None:
    plan = structs.replace(plan, kafka=kafka)
    make_topics(plan, lambda _: None, dry_run=False)
    try:
        with pytest.raises(NotMigrated, match="run `dossier migrate`"):
            rebuild(plan)
    finally:
        delete_topics(kafka)
