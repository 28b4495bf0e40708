"""The views of how cases stand, on the real engine, against the rules themselves."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from clickhouse_driver import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.deployment_profile import Profile, decode_profile
from schemas.events import Event
from schemas.instant import from_micros
from schemas.rule_names import RULE_NAMES, STANDINGS, RuleName
from schemas.sql_parts import sql_parts
from schemas.tables import FACTS
from streams.counting.facts import facts_of
from streams.counting.registers import merged, pack
from streams.counting.rows import facts_row
from streams.counting.store_interface import Stored
from streams.on_time.figures import kept
from streams.on_time.history import Appointment, History
from streams.on_time.period import InPeriod, in_period
from streams.on_time.plain_case import is_plain
from streams.on_time.rules import RULES
from streams.on_time.ruling import built_in_ruling
from streams.on_time.timeline import timeline
from streams.on_time.verdicts import Standing, judge
from streams.storage.clickhouse_client import connect
from streams.storage.clickhouse_store import ClickHouseStore
from streams.storage.deployment_plan import Plan
from streams.storage.table_migration import make_tables
from tests.streams.on_time.lives import USUAL, moments
from tests.streams.on_time.test_verdicts import histories
from tests.streams.on_time.told import micros, told
from tests.test_sample import SAMPLES, sample_events
from tests.thorough import sized

pytestmark = pytest.mark.clickhouse
FOUND = (Phase.explicit, Phase.reuse, Phase.generate)
"""Whoever wants a smaller example than was found asks for it: each try is a round trip."""
ZONE = Profile().time_zone
NEVER = micros("2299-12-31 07:00")
BY_RULE = ("standing_by_instant", "standing_by_date", "standing_by_766", "standing_by_report_form")


@pytest.fixture
def client(plan: Plan) -> Iterator[Client]:
    client = connect(plan.clickhouse)
    yield client
    client.disconnect()


def cases() -> st.SearchStrategy[History]:
    """Dossiers and feedback."""
    return st.builds(lambda history, is_feedback: structs.replace(history, is_feedback=is_feedback), *_PARTS)


_PARTS = (histories(), st.sampled_from((False, False, False, True)))


@given(found=st.lists(cases(), min_size=40, max_size=80), instants=st.lists(moments(), min_size=4, max_size=4))
@settings(max_examples=sized(3, 100), phases=FOUND, suppress_health_check=list(HealthCheck))
def test_at_any_instant_cases_stand_as_the_rules_say(client: Client, found: list[History], instants: list[int]) -> None:
    store(client, found)
    for at in instants:
        sql = f"SELECT dossier, is_open, {', '.join(BY_RULE)} FROM standings(as_of = %(at)s)"  # our names
        told = {
            dossier: (is_open, *standings) for dossier, is_open, *standings in client.execute(sql, {"at": local(at)})
        }
        assert told == {
            f"D{number}": (
                not history.has_ended(at),
                *(verdict.standing if (verdict := judge(rule, history, at, USUAL)) else "" for rule in RULES),
            )
            for number, history in enumerate(found)
            if history.received_at <= at
        }


@given(found=st.lists(cases(), min_size=40, max_size=80), at=moments())
@settings(max_examples=sized(3, 100), phases=FOUND, suppress_health_check=list(HealthCheck))
def test_an_open_case_is_due_at_the_last_instant_in_time(client: Client, found: list[History], at: int) -> None:
    store(client, found)
    dues = ", ".join(f"toUnixTimestamp64Micro(due_by({number}, instant))" for number in range(1, len(RULES) + 1))
    items = f"{sql_parts(Profile())['verdicts']}, toDateTime64(%(at)s, 6, '{ZONE}') AS instant"
    sql = f"WITH {items} SELECT dossier, {dues} FROM facts"
    for dossier, *told_dues in client.execute(sql, {"at": local(at)}):
        history = found[int(dossier[1:])]
        for rule, due_at in zip(RULES, told_dues, strict=True):
            verdict = judge(rule, history, at, USUAL)
            if verdict is None or history.has_ended(at) or verdict.standing == "on time":
                assert due_at is None or history.received_at > at
            elif verdict.standing == "in term":
                assert due_at == verdict.overdue_after
            else:
                assert due_at < at
                assert verdict.reason == "repeated supplement" or due_at == verdict.deadline


@given(
    found=st.lists(cases(), min_size=40, max_size=80),
    days=st.lists(st.dates(date(2026, 2, 9), date(2026, 3, 1)), min_size=3, max_size=3, unique=True).map(sorted),
)
@settings(max_examples=sized(3, 100), phases=FOUND, suppress_health_check=list(HealthCheck))
def test_figures_of_a_period_are_of_the_cases_that_belong_to_it(
    client: Client, found: list[History], days: list[date]
) -> None:
    store(client, found)
    first, second, end = days
    before, figures = (rule_figures(client, *span) for span in ((first, second), (second, end)))
    assert figures == expected_figures(found, second, end)
    for rule in RULE_NAMES:
        left = sum(row["pending"] for row in before.values() if row["rule"] == rule)
        assert left == sum(row["carried_over"] for row in figures.values() if row["rule"] == rule)


def rule_figures(client: Client, since: date, end: date) -> dict[tuple[str, str], dict[str, Any]]:
    sql = "SELECT * FROM rule_figures(since = %(since)s, until = %(until)s)"
    rows, columns = client.execute(sql, {"since": since, "until": end - timedelta(days=1)}, with_column_types=True)
    told = [dict(zip([name for name, _ in columns], row, strict=True)) for row in rows]
    return {(row["agency"], row["rule"]): row for row in told}


def expected_figures(found: list[History], since: date, end: date) -> dict[tuple[str, str], dict[str, Any]]:
    start, stop = (micros(f"{day} 00:00") for day in (since, end))
    expected: dict[tuple[str, str], dict[str, Any]] = {}
    for rule in RULES:
        belonging: dict[str, list[tuple[str, InPeriod]]] = {}
        for number, history in enumerate(found):
            row = columns_of(f"D{number}", history)
            each = None if history.is_feedback else in_period(rule, history, start, stop, USUAL)
            if each is not None:
                belonging.setdefault(row["agency"], []).append((row["channel"], each))
        for agency, several in belonging.items():
            stands = Counter(each.verdict.standing for _, each in several)
            good, whole = kept([each for _, each in several])
            expected[agency, rule.name] = {
                "agency": agency,
                "rule": rule.name,
                "is_leading": rule.name == "instant",
                "received": sum(not each.carried_over for _, each in several),
                "received_online": sum(not each.carried_over and channel == "online" for channel, each in several),
                "carried_over": sum(each.carried_over for _, each in several),
                "dossiers": whole,
                "ended": sum(each.has_ended for _, each in several),
                "pending": sum(not each.has_ended for _, each in several),
                **{name.replace(" ", "_"): stands[name] for name in get_args(Standing)},
                "kept": good,
                "kept_rate": good / whole,
            }
    return expected


def test_a_period_that_lasts_is_of_now(client: Client) -> None:
    now, hour = round(time.time() * 1e6), 3_600_000_000
    soon = History(now - hour, appointment=Appointment(now + hour, now - hour))
    store(client, [soon, structs.replace(soon, appointment=Appointment(now - 1, now - hour))])
    today = date.today()
    told = rule_figures(client, today - timedelta(days=2), today + timedelta(days=3))
    assert {(row["rule"], row["in_term"], row["overdue"]) for row in told.values()} >= {("instant", 1, 1)}


def test_without_cases_there_is_nothing(client: Client) -> None:
    store(client, [])
    assert client.execute("SELECT * FROM standings(as_of = '2026-03-01 00:00:00')") == []
    assert rule_figures(client, date(2026, 2, 1), date(2026, 3, 1)) == {}


def test_views_lead_with_the_rule_that_the_profile_names(client: Client, plan: Plan) -> None:
    twice = (
        "supplement requested 2026-03-02 10:00; supplement handed in 2026-03-02 11:00; "
        "second supplement requested 2026-03-02 15:00"
    )
    store(client, [told("2026-03-02 09:00", "", twice), told("2026-03-02 09:00", "", "")])
    sql = "SELECT dossier, standing, standing_by_766, is_overdue, due_at FROM dossiers ORDER BY dossier"
    assert client.execute(sql) == [("D0", "in term", "overdue", False, None), ("D1", "in term", "in term", False, None)]
    leading = structs.replace(plan, profile=Profile(leading_rule="decision 766"))
    make_tables(leading, lambda _: None, dry_run=False)
    last = from_micros(micros("2026-03-02 15:00") - 1)
    assert client.execute(sql) == [("D0", "overdue", "overdue", True, last), ("D1", "in term", "in term", False, None)]
    assert client.execute("SELECT dossier, due_at FROM overdue_dossiers") == [("D0", last)]
    waiting = client.execute(
        "SELECT due_at, sum(dossiers) FROM waiting WHERE kind = 'now' GROUP BY due_at ORDER BY due_at"
    )
    assert waiting == [(last, 1), (None, 1)]
    assert client.execute(
        "SELECT DISTINCT rule FROM rule_figures(since = '2026-03-01', until = '2026-03-31') WHERE is_leading"
    ) == [("decision 766",)]


@pytest.mark.parametrize(
    ("rule", "on_time", "judged"),
    [("instant", 1, 7), ("date", 2, 7), ("decision 766", 3, 8), ("report form", 4 + 5, 9)],
)
def test_every_view_of_counters_sums_those_of_the_leading_rule(
    client: Client, plan: Plan, rule: RuleName, on_time: int, judged: int
) -> None:
    counters = (
        "resolved, resolved_on_time_by_instant, resolved_on_time_by_date, on_time_by_766, judged_by_766, form_early"
    )
    client.execute(
        f"INSERT INTO windows (agency, window, partition, pos, {counters}, form_on_time, refused) "
        "SELECT 'H26', toStartOfFiveMinutes(now()), 0, 1, 7, 1, 2, 3, 8, 4, 5, 2"
    )
    make_tables(structs.replace(plan, profile=Profile(leading_rule=rule)), lambda _: None, dry_run=False)
    span = "since = '2020-01-01', until = '2099-12-31'"
    for view in (
        "agency_days",
        "agency_windows WHERE period = 'day'",
        f"node_days(node = 'H26', way = 'today', {span})",
        f"node_figures(way = 'today', {span})",
        "city_figures WHERE period = 'day'",
    ):
        assert client.execute(f"SELECT on_time, judged FROM {view}") == [(on_time, judged)], view
    assert client.execute("SELECT late FROM city_figures WHERE period = 'day'") == [(judged - on_time,)]


@pytest.mark.parametrize(("profile_file", "on_time"), [("profile.toml", 468), ("profile-by-date.toml", 505)])
def test_the_sample_log_has_its_totals_by_instant_and_by_date(
    client: Client, plan: Plan, tmp_path: Path, profile_file: str, on_time: int
) -> None:
    profile = decode_profile((SAMPLES / profile_file).read_bytes(), profile_file)
    make_tables(structs.replace(plan, profile=profile), lambda _: None, dry_run=False)
    events: defaultdict[str, list[Event]] = defaultdict(list)
    for event in sample_events(tmp_path):
        events[event.dossier].append(event)
    ruling = built_in_ruling(profile.time_zone)
    with closing(ClickHouseStore(plan.clickhouse)) as stored:
        cases = {dossier: merged(several) for dossier, several in events.items()}
        written = [
            facts_row(dossier, 0, Stored(1, pack(case)), facts_of(case, ruling), profile)
            for dossier, case in cases.items()
        ]
        stored.write(FACTS, written)
    counted = "count(), countIf(channel = 'online'), countIf(is_judged), countIf(is_in_time) FROM dossiers"
    assert client.execute(f"SELECT {counted}") == [(717, 627, 661, on_time)]
    both = "countIf(standing_by_instant = 'on time'), countIf(standing_by_date = 'on time') FROM dossiers"
    assert client.execute(f"SELECT {both} WHERE outcome = 'resolved'") == [(468, 505)]


def store(client: Client, found: Iterable[History]) -> None:
    """The facts of these cases, as far as they decide how these stand."""
    client.execute("TRUNCATE TABLE facts")
    rows = [columns_of(f"D{number}", history) for number, history in enumerate(found)]
    if rows:
        client.execute(f"INSERT INTO facts ({', '.join(rows[0])}) VALUES", rows)


def columns_of(dossier: str, history: History) -> dict[str, Any]:
    """The columns of `facts` that verdicts depend on."""
    steps = [
        (number, step.since, STANDINGS.index(step.standing) + 1, step.overdue_after or NEVER)
        for number, rule in enumerate(RULES, 1)
        for step in timeline(rule, history, USUAL)
    ]
    rules, sinces, standings, untils = zip(*steps, strict=True) if not is_plain(history) else ((), (), (), ())
    sent = [*([history.appointment] if history.appointment else []), *(each.appointment for each in history.extensions)]
    return {
        "dossier": dossier,
        "pos": 1,
        "case_kind": "feedback" if history.is_feedback else "dossier",
        "agency": "H26" if dossier < "D3" else "H27",
        "channel": "online" if dossier < "D5" else "direct",
        "received_at": from_micros(history.received_at),
        "term": from_micros(sent[-1].term) if sent else None,
        "term_computed": from_micros(history.computed) if history.computed is not None and not sent else None,
        "outcome": history.outcome,
        "outcome_at": None if history.outcome_at is None else from_micros(history.outcome_at),
        "verdict_rule": rules,
        "verdict_since": [from_micros(at) for at in sinces],
        "verdict_standing": standings,
        "verdict_until": [from_micros(at) for at in untils],
    }


def local(at: int) -> str:
    """An instant as analysts write it."""
    return from_micros(at + 7 * 3_600_000_000).strftime("%Y-%m-%d %H:%M:%S.%f")
