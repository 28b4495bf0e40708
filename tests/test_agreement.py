"""Every reader agrees on each dossier at any instant: views, alerts, reports, the terminal, and the rules themselves.

Lives of dossiers with stops and extensions lie around now and are counted as workers do. Each reader is asked which
dossiers are overdue, by each rule that may lead; the rules, asked in Python by the registers, are what all must say.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count as count_from
from random import Random
from typing import Any

import pytest
from clickhouse_driver import Client
from msgspec import structs

from cli import watch
from schemas import events as kinds
from schemas.alerts import DEFAULT_LEVELS, parse_levels
from schemas.connection import KafkaConnection
from schemas.deployment_profile import DueSoon, Profile
from schemas.events import Event
from schemas.instant import from_micros, to_micros
from schemas.rule_names import RULE_NAMES, RuleName
from schemas.tables import REFRESHES
from schemas.working_time.built_in import built_in_calendar
from streams.alerts.due_soon import horizons
from streams.alerts.scanner import OverdueScanner
from streams.counting.judged_case import JudgedCase, StoredCase, judged_case
from streams.on_time.rules import Rule
from streams.on_time.ruling import Ruling
from streams.on_time.verdicts import Standing
from streams.reports.node_report import Selection, node_report
from streams.reports.report import report
from streams.reports.rule_comparison import Side, compare
from streams.reports.stored_cases import Period, StoredCases
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.rollups import refresh
from streams.storage.table_migration import make_tables
from tests.streams.counted import count
from tests.streams.on_time.lives import UNUSUAL
from tests.streams.on_time.told import promise_in
from tests.thorough import sized

pytestmark = pytest.mark.clickhouse

LEVELS = parse_levels(DEFAULT_LEVELS)
DOSSIERS = 120
HOURS = (0, 8, 9, 11, 13, 16, 17, 23)
STOPS = (
    (kinds.SupplementRequested, kinds.SupplementAnswered),
    (kinds.ObligationSet, kinds.ObligationMet),
    (kinds.Paused, kinds.Resumed),
)
ENDS = (kinds.Resolved, kinds.Withdrawn, kinds.Refused, kinds.Stopped, kinds.Returned, kinds.Reopened)
PROMISES = {"P1": promise_in("3 working days"), "P2": promise_in("5 days"), "P3": promise_in("12 working hours")}
CALENDARS = {"H02": UNUSUAL}
RULING = Ruling(
    lambda agency: CALENDARS.get(agency, built_in_calendar()), lambda procedure, _channel, _at: PROMISES.get(procedure)
)
COLUMNS = ("standing_by_instant", "standing_by_date", "standing_by_766", "standing_by_report_form")


class City:
    """Counted dossiers, and what the rules say on each of them."""

    def __init__(self, plan: Plan, client: Client, random: Random) -> None:
        self.plan = plan
        self.client = client
        self.today = datetime.now(Profile().zone).replace(hour=0, minute=0, second=0, microsecond=0)
        events = [event for number in range(DOSSIERS) for event in self.life(random, f"D{number}")]
        count(plan.clickhouse, *events, published=self.today + timedelta(days=60), ruling=RULING)
        rows = client.execute(
            "SELECT dossier, agency, procedure, registers FROM facts FINAL", settings={"strings_as_bytes": True}
        )
        stored = [
            StoredCase(dossier.decode(), agency.decode(), procedure.decode(), registers)
            for dossier, agency, procedure, registers in rows
        ]
        self.cases = [case for each in stored if (case := judged_case(each, RULING))]

    def moment(self, random: Random) -> datetime:
        """A full hour of a day within two weeks, at which work begins or ends, or beside."""
        return self.today + timedelta(days=random.randint(-14, 10), hours=random.choice(HOURS))

    def life(self, random: Random, dossier: str) -> Iterator[Event]:
        """The events of a dossier, in any order of time."""
        places = count_from(1)

        def told(kind: type[Event], **fields: Any) -> Event:
            place = next(places)
            described: dict[str, Any] = {"id": f"{dossier}-{place}", "dossier": dossier, "seq": place}
            described |= {"source": "test", "occurred_at": self.moment(random)}
            return kind(**described | fields)

        procedure = random.choice(("P1", "P2", "P3", "P4"))
        yield told(kinds.Received, agency=random.choice(("H01", "H02")), procedure=procedure)
        if random.random() < 0.6:
            yield told(kinds.TermSet, term=self.moment(random))
        for number in range(1, random.choice((1, 1, 2, 4))):
            begins, ends = random.choice(STOPS)
            yield told(begins, number=number)
            if random.random() < 0.7:
                yield told(ends, number=number)
        if random.random() < 0.3:
            yield told(kinds.Extended, term=self.moment(random), number=1, apology=random.random() < 0.5)
        if random.random() < 0.4:
            yield told(random.choice(ENDS))
        if random.random() < 0.1:
            yield told(kinds.Voided, voided=True)

    def standings(self, rule: RuleName, at: datetime) -> dict[str, Standing]:
        """How the rule says that each dossier stands that was received by then."""
        found = {case.stored.dossier: case.verdict(case.rule(rule), to_micros(at)) for case in self.cases}
        return {dossier: verdict.standing for dossier, verdict in found.items() if verdict}

    def overdue(self, rule: RuleName, at: datetime) -> set[str]:
        return {dossier for dossier, standing in self.standings(rule, at).items() if standing == "overdue"}

    def told_in(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self.client.execute(sql))


@pytest.fixture
def client(plan: Plan) -> Iterator[Client]:
    client = connect(plan.clickhouse)
    yield client
    client.disconnect()


@pytest.mark.parametrize("seed", range(sized(1, 20)))
def test_all_readers_agree_to_the_dossier_at_any_instant(plan: Plan, client: Client, seed: int) -> None:
    random = Random(seed)
    city = City(plan, client, random)
    for at in (city.moment(random) + timedelta(microseconds=random.choice((-1, 0, 1))) for _ in range(sized(3, 20))):
        check_views_as_of(city, at)
        for rule in RULE_NAMES:
            check_alerts(city, rule, at)
    check_periods(city, random)
    for rule in RULE_NAMES:
        leading = structs.replace(plan, profile=Profile(leading_rule=rule))
        make_tables(leading, lambda _: None, dry_run=False)
        check_now(city, rule, leading.profile)


def check_views_as_of(city: City, at: datetime) -> None:
    """The view `standings` says of each dossier and rule what the rule says."""
    local = at.astimezone(Profile().zone).strftime("%Y-%m-%d %H:%M:%S.%f")
    rows = city.told_in(f"SELECT dossier, {', '.join(COLUMNS)} FROM standings(as_of = '{local}')")  # ours
    for place, rule in enumerate(RULE_NAMES, 1):
        assert {row[0]: row[place] for row in rows} == city.standings(rule, at), (rule, at)


def check_alerts(city: City, rule: RuleName, at: datetime) -> None:
    """The scanner finds overdue what the rule calls overdue, and due soon what is in term for so few working hours."""
    profile = Profile(leading_rule=rule, due_soon=DueSoon(12, "working hours"))
    scanner = OverdueScanner(KafkaConnection("127.0.0.1:1"), city.plan.clickhouse, profile, LEVELS, lambda: RULING)
    raised = scanner.due([0, 1], at, 1)
    overdue = {alert.dossier for alert in raised if alert.level.startswith("overdue")}
    assert overdue == city.overdue(rule, at), (rule, at)
    soon = {alert.dossier for alert in raised if alert.level == "due-soon"}
    assert soon == {case.stored.dossier for case in city.cases if is_due_soon(case, rule, at)}, (rule, at)
    assert all(alert.rule.startswith(f"{rule} v") and alert.deadline for alert in raised)


def is_due_soon(case: JudgedCase, rule: RuleName, at: datetime) -> bool:
    verdict = case.verdict(case.rule(rule), to_micros(at))
    if verdict is None or verdict.overdue_after is None or verdict.standing != "in term":
        return False
    horizon = horizons(12, "working hours", at, [], lambda _: case.calendar).default
    return to_micros(at) <= verdict.overdue_after < to_micros(horizon)


def check_periods(city: City, random: Random) -> None:
    """Figures of a period are of the dossiers that belong to it, in SQL as in `dossier rules compare`."""
    first, last = sorted(city.today.date() + timedelta(days=random.randint(-14, -1)) for _ in range(2))
    rows = city.told_in(
        "SELECT agency, rule, received, carried_over, early, on_time, late, in_term, overdue "  # ours
        f"FROM rule_figures(since = '{first}', until = '{last}')"
    )
    period = Period(local_midnight(first), local_midnight(last + timedelta(days=1)))
    for rule in RULE_NAMES:
        side = Side(rule, RULING, partial(version_of, rule))
        found = compare(StoredCases(city.plan.clickhouse, period).read(), side, side, period, 0)
        of_rule = {agency: figures for agency, by, *figures in rows if by == rule}
        assert of_rule == {agency: list(structs.astuple(one)) for agency, (one, _) in found.agencies.items()}, rule


def version_of(rule: RuleName, case: JudgedCase) -> Rule:
    return case.rule(rule)


def local_midnight(day: date) -> int:
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=Profile().zone))


def check_now(city: City, rule: RuleName, profile: Profile) -> None:
    """Whoever shows what is overdue now shows the same dossiers, or as many."""
    refresh(city.client, REFRESHES)
    # A term may pass while readers are asked one after the other.
    while (before := city.overdue(rule, datetime.now(UTC))) is not None:
        told = overdue_by_reader(city, profile)
        if before == city.overdue(rule, datetime.now(UTC)):
            break
    assert told["dossiers"] == told["overdue_dossiers"] == told["standings"] == before
    numbers = {reader: number for reader, number in told.items() if isinstance(number, int)}
    assert numbers == dict.fromkeys(numbers, len(before))
    assert len(numbers) == 8


def overdue_by_reader(city: City, profile: Profile) -> Mapping[str, set[str] | int]:
    clickhouse = city.plan.clickhouse
    now = from_micros(to_micros(datetime.now(UTC))).astimezone(profile.zone).strftime("%Y-%m-%d %H:%M:%S.%f")
    names = {
        "dossiers": "SELECT dossier FROM dossiers WHERE is_overdue",
        "overdue_dossiers": "SELECT dossier FROM overdue_dossiers",
        "standings": f"SELECT dossier FROM standings(as_of = '{now}') WHERE standing = 'overdue'",  # ours
    }
    numbers = {
        "waiting": "SELECT sumIf(dossiers, due_at < now64(6)) FROM waiting WHERE kind = 'now'",
        "city_waiting": "SELECT sumIf(dossiers, due_at < now64(6)) FROM city_waiting WHERE kind = 'now'",
        "city_figures": "SELECT overdue FROM city_figures WHERE period = 'day'",
        "rule_figures": "SELECT sum(overdue) FROM rule_figures(since = '2000-01-01', until = '2099-12-30') "
        "WHERE is_leading",
        "procedure_figures": "SELECT sum(overdue) FROM procedure_figures(since = '2000-01-01', until = '2099-12-30') "
        "WHERE NOT is_field",
    }
    reading: Any = watch._read(clickhouse, "day")
    return {
        **{reader: {dossier for (dossier,) in city.told_in(sql)} for reader, sql in names.items()},
        **{reader: int(city.told_in(sql)[0][0]) for reader, sql in numbers.items()},
        "report": int(report(clickhouse, profile).total["overdue"]),
        "report of the tree": int(node_report(clickhouse, profile, Selection(tree=True)).total["overdue"]),
        "watch": int(reading.figures["overdue"]),
    }
