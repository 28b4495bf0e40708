"""What a rebuild says of the figures that it moves: the serving tables beside the rebuilt ones, on the real engine."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from clickhouse_driver import Client
from msgspec import structs

from chaos.memory_store import MemoryDeadLetters
from schemas.deployment_profile import Profile
from schemas.events import Event, Received, Resolved, SupplementAnswered, SupplementRequested, TermSet
from schemas.topics import EVENTS
from streams.counting.batch_counting import Counting
from streams.counting.identity import Identity
from streams.errors import NeedsReason
from streams.on_time.ruling import built_in_ruling
from streams.rebuild import restatement, tables
from streams.reports.rule_history import RestatedFigure, rule_history
from streams.storage.clickhouse_client import connect
from streams.storage.clickhouse_store import ClickHouseStore
from streams.storage.deployment_plan import Plan
from streams.storage.epochs import Entry, Origin, write_entry
from streams.worker.pipeline import Pipeline
from tests.streams.cases import at, said
from tests.streams.counted import count
from tests.streams.log import log_of

pytestmark = pytest.mark.clickhouse

BY_INSTANT, BY_DATE = Profile(), Profile(terms="date")
AN_HOUR_LATE: tuple[Event, ...] = (
    said(Received, "2026-03-02 09:00", agency="H01"),
    said(TermSet, "2026-03-02 09:00", term=at("2026-03-05 09:00")),
    said(Resolved, "2026-03-05 10:00"),
)


def entry(epoch: int, profile: Profile, state: str) -> Entry:
    origin = Origin("cluster", "topic", 2, profile.rules)
    return Entry(epoch, origin, "serving" if state == "serving" else "rebuilding", "events", datetime.now(UTC))


SERVING = entry(1, BY_INSTANT, "serving")
REBUILT = entry(3, BY_DATE, "rebuilding")


@pytest.fixture
def client(plan: Plan) -> Iterator[Client]:
    client = connect(plan.clickhouse)
    write_entry(client, SERVING)
    yield client
    tables.drop(client)
    client.disconnect()


def rebuilt(plan: Plan, client: Client, *events: Event, profile: Profile = BY_DATE) -> None:
    """Count these events into the tables of the rebuild."""
    tables.make(client, REBUILT, replicated=False)
    with closing(ClickHouseStore(plan.clickhouse, names=tables.NAMES)) as store:
        identity = Identity(EVENTS, 2, REBUILT.epoch - 1, profile, built_in_ruling())
        with closing(Pipeline(Counting(identity, store), store, MemoryDeadLetters())) as pipeline:
            pipeline.take([record for records in log_of(*events).values() for record in records]).result()


def moved(client: Client) -> list[RestatedFigure]:
    write_entry(client, structs.replace(REBUILT, state="serving"))
    return rule_history(client, "", 100).figures


def figure(rule: str, name: str, before: int, after: int) -> RestatedFigure:
    return RestatedFigure(3, "H01", at("2026-03-01 00:00").date(), rule, name, before, after)


def test_other_rules_need_a_reason_which_is_kept_for_whoever_resumes(client: Client) -> None:
    with pytest.raises(NeedsReason, match=r"terms=instant .* -> .*terms=date .*`dossier rebuild --why"):
        restatement.begin(client, SERVING, REBUILT, "", "an", is_resumed=False)
    restatement.begin(client, SERVING, REBUILT, "Circular 1", "an", is_resumed=False)
    restatement.begin(client, SERVING, REBUILT, "", "binh", is_resumed=True)
    kept = restatement.stored(client, 3)
    assert kept is not None
    assert (kept.why, kept.restated_by, kept.from_epoch, kept.rules_after) == ("Circular 1", "an", 1, BY_DATE.rules)


def test_the_same_rules_need_none(client: Client) -> None:
    restatement.begin(client, SERVING, entry(3, BY_INSTANT, "rebuilding"), "", "an", is_resumed=False)


def test_loads_that_decide_otherwise_need_one(client: Client) -> None:
    client.execute("INSERT INTO reference_loads (kind, load) VALUES", [("procedures", 7)])
    with pytest.raises(NeedsReason, match="the built-in calendar -> procedures 7"):
        restatement.begin(client, SERVING, entry(3, BY_INSTANT, "rebuilding"), "", "an", is_resumed=False)


def test_counters_and_standings_that_move_are_kept_with_what_was_shown(plan: Plan, client: Client) -> None:
    count(plan.clickhouse, *AN_HOUR_LATE, profile=BY_INSTANT)
    waited = (
        said(SupplementRequested, "2026-03-03 09:00"),
        said(SupplementAnswered, "2026-03-04 09:00"),
    )
    rebuilt(plan, client, *AN_HOUR_LATE, *waited)
    restatement.begin(client, SERVING, REBUILT, "supplements were lost", "an", is_resumed=False)
    assert restatement.finish(client, SERVING, REBUILT, BY_DATE) == len(moved(client))
    found = moved(client)
    assert figure("", "resolved_on_time", 0, 1) in found
    assert figure("", "resolved_on_time_by_instant", 0, 1) in found
    assert figure("instant", "late", 1, 0) in found
    assert figure("instant", "on_time", 0, 1) in found
    assert not [each for each in found if each.rule == "date"], "by date it was on time before, too"
    history = rule_history(client, "H01", 1)
    assert (history.total, len(history.figures)) == (len(found), 1)
    assert [(epoch.why, epoch.figures) for epoch in history.epochs] == [("", 0), ("supplements were lost", len(found))]
    assert rule_history(client, "H02", 1).total == 0


def test_a_rebuild_that_is_stopped_compares_anew(plan: Plan, client: Client) -> None:
    count(plan.clickhouse, *AN_HOUR_LATE, profile=BY_INSTANT)
    rebuilt(plan, client, *AN_HOUR_LATE)
    restatement.begin(client, SERVING, REBUILT, "why", "an", is_resumed=False)
    restatement.finish(client, SERVING, REBUILT, BY_DATE)
    rebuilt(plan, client, *AN_HOUR_LATE, profile=BY_INSTANT)
    assert restatement.finish(client, SERVING, REBUILT, BY_DATE) == 0
    assert moved(client) == []


def test_a_dossier_that_is_open_for_months_has_a_figure_in_each(plan: Plan, client: Client) -> None:
    open_ = AN_HOUR_LATE[:2]
    count(plan.clickhouse, *open_, said(Resolved, "2026-06-10 08:00"))
    rebuilt(plan, client, *open_, said(Resolved, "2026-05-10 08:00"))
    restatement.finish(client, SERVING, REBUILT, BY_DATE)
    changed = {
        (f"{each.month:%m}", each.figure, each.before, each.after) for each in moved(client) if each.rule == "date"
    }
    assert changed == {("05", "late", 0, 1), ("05", "overdue", 1, 0), ("06", "late", 1, 0)}


def test_what_former_versions_never_showed_did_not_move(plan: Plan, client: Client) -> None:
    count(plan.clickhouse, *AN_HOUR_LATE)
    client.execute("INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, 0 AS judged_by_766) FROM windows FINAL")
    rebuilt(plan, client, *AN_HOUR_LATE, profile=BY_INSTANT)
    former = structs.replace(SERVING, origin=structs.replace(SERVING.origin, rules="v2 terms=instant"))
    assert restatement.finish(client, former, REBUILT, BY_INSTANT) == 0
    assert restatement.finish(client, SERVING, REBUILT, BY_INSTANT) == 1
