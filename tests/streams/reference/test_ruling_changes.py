"""Loads decide at once where no counted case depends on what they change, and else wait for a rebuild."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from clickhouse_driver import Client
from msgspec import structs

from schemas import events as kinds
from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from schemas.events import Event, Extended, Received, Resolved, TermSet
from schemas.instant import to_micros
from schemas.reference.agency import Agency
from schemas.reference.procedure import ProcedureVersion
from schemas.working_time.built_in import built_in_rules
from schemas.working_time.calendar import Calendar
from schemas.working_time.calendar_difference import first_difference
from schemas.working_time.duration import Duration
from streams.counting.facts import facts_of
from streams.counting.registers import Registers, fold
from streams.on_time.promise import Promise
from streams.on_time.ruling import Ruling
from streams.reference.kinds import KINDS, KindName
from streams.reference.loads import restore, write
from streams.reference.ruling_changes import Adoption, adopt, cases_on
from streams.reference.ruling_loading import load_ruling
from streams.reference.ruling_pins import BUILT_IN, Loads, all_pins, held, newest, pin, pin_newest
from streams.storage.clickhouse_client import connect, database
from tests.schemas.working_time.calendars import on, schedule
from tests.streams.cases import at, micros, said
from tests.streams.counted import count
from tests.thorough import sized

pytestmark = pytest.mark.clickhouse

EPOCH, PROFILE = 1, Profile()
NOW = at("2026-03-06 12:00")
THREE_DAYS = ProcedureVersion(code="P", name_vi="x", service_level="full", term=3, unit="working days")
PROMISED = said(Received, "2026-03-03 09:00", agency="H26.1", procedure="P", channel="online")


@pytest.fixture
def client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    with database(clickhouse) as found:
        yield found


def loaded(client: Client, kind: KindName, *declared: Any) -> int:
    load = write(client, KINDS[kind], declared, by="lan")
    assert load is not None
    return load.load


def adopted(client: Client) -> Adoption:
    return adopt(client, PROFILE, EPOCH, NOW)


def counted(clickhouse: ClickHouseConnection, client: Client, *events: Event) -> None:
    count(clickhouse, *events, ruling=load_ruling(client, PROFILE, EPOCH))


def test_without_loads_the_built_in_calendar_is_pinned(client: Client) -> None:
    assert load_ruling(client, PROFILE, EPOCH).promise_of("P", "online", micros("2026-03-03 09:00")) is None
    assert adopted(client).pin.loads == BUILT_IN
    (pinned,) = all_pins(client)
    assert adopted(client).pin == pinned
    assert str(pinned.loads) == "the built-in calendar"


def test_what_is_loaded_decides_by_the_place_of_an_agency_and_the_day_of_the_reception(client: Client) -> None:
    saturdays = schedule("6-6", "07:30-11:30", kind="half", agency="000.H26")
    province = Agency(code="H26", name_vi="x", level="province", aliases=("000.H26",))
    ward = Agency(code="W", name_vi="x", level="commune", parent="H26", valid_from=date(2026, 1, 1))
    loads = Loads(
        loaded(client, "agencies", province, ward),
        loaded(client, "calendar", saturdays),
        loaded(client, "procedures", THREE_DAYS),
    )
    assert adopted(client) == Adoption(held(client, EPOCH))
    assert held(client, EPOCH).loads == loads == newest(client)
    ruling = load_ruling(client, PROFILE, EPOCH)
    saturday = date(2026, 3, 7)
    assert [ruling.calendar_of(code).day(saturday).kind for code in ("W", "000.H26", "H27")] == ["half", "half", "off"]
    assert ruling.promise_of("P", "postal", micros("2026-03-03 09:00")) == Promise(Duration(3, "working days"))
    assert load_ruling(client, PROFILE, EPOCH + 1).calendar_of("W").day(saturday).kind == "off"


def test_a_day_off_behind_all_terms_decides_at_once_and_one_before_waits(
    clickhouse: ClickHouseConnection, client: Client
) -> None:
    loaded(client, "procedures", THREE_DAYS)
    adopted(client)
    counted(clickhouse, client, PROMISED)  # due on Friday 6 March at 09:00
    behind = loaded(client, "calendar", on("2026-03-07", "worked"))
    assert adopted(client).pin.loads.calendar == behind
    before = loaded(client, "calendar", on("2026-03-06", "off"))
    found = adopted(client)
    assert found.pin.loads.calendar == behind
    assert [(each.kind, each.load, each.touched.cases) for each in found.waiting] == [("calendar", before, 1)]
    elsewhere = loaded(client, "calendar", on("2026-03-06", "off", agency="H99"))
    assert adopted(client).pin.loads.calendar == elsewhere


def test_kinds_decide_each_for_itself_and_a_restored_load_as_one_of_files(
    clickhouse: ClickHouseConnection, client: Client
) -> None:
    first = loaded(client, "procedures", THREE_DAYS)
    adopted(client)
    counted(clickhouse, client, PROMISED)
    loaded(client, "procedures", structs.replace(THREE_DAYS, term=5))
    calendar = loaded(client, "calendar", on("2030-01-02", "off"))
    found = adopted(client)
    assert found.pin.loads == Loads(calendar=calendar, procedures=first)
    assert [(each.kind, each.touched.cases) for each in found.waiting] == [("procedures", 1)]
    restored = restore(client, KINDS["procedures"], first, by="lan")
    assert restored is not None
    assert adopted(client) == Adoption(held(client, EPOCH))
    assert held(client, EPOCH).loads == Loads(calendar=calendar, procedures=restored.load)


def test_a_term_of_the_catalogue_touches_cases_of_its_days_and_channel_of_which_no_term_was_sent(
    clickhouse: ClickHouseConnection, client: Client
) -> None:
    sent = said(TermSet, "2026-03-03 09:00", dossier="D2", term=at("2026-03-20 09:00"))
    counted(clickhouse, client, PROMISED, structs.replace(PROMISED, id="2", dossier="D2"), sent)
    for changed, cases in (
        ({}, 1),
        ({"valid_from": date(2026, 3, 4)}, 0),
        ({"valid_to": date(2026, 3, 2)}, 0),
        ({"channel": "direct"}, 0),
        ({"code": "Q"}, 0),
        ({"term": None, "unit": ""}, 0),
    ):
        loaded(client, "procedures", structs.replace(THREE_DAYS, **changed))
        assert sum(each.touched.cases for each in adopted(client).waiting) == cases, changed


def test_a_place_in_the_tree_touches_cases_where_it_gives_them_another_calendar(
    clickhouse: ClickHouseConnection, client: Client
) -> None:
    loaded(client, "calendar", on("2026-03-05", "off", agency="H27"))
    loaded(client, "procedures", THREE_DAYS)
    adopted(client)
    counted(clickhouse, client, PROMISED)
    ward = Agency(code="H26.1", name_vi="x", level="commune", parent="H26")
    roots = [Agency(code=code, name_vi="x", level="province") for code in ("H26", "H27")]
    loaded(client, "agencies", *roots, ward)
    assert adopted(client).waiting == ()
    loaded(client, "agencies", *roots, structs.replace(ward, parent="H27"))
    assert [(each.kind, each.touched.cases) for each in adopted(client).waiting] == [("agencies", 1)]
    loaded(client, "agencies", *roots, structs.replace(ward, name_vi="y"))
    assert adopted(client).waiting == ()


def test_officials_decide_nothing(client: Client) -> None:
    adopted(client)
    before = newest(client)
    client.execute("INSERT INTO reference_loads (kind, load) VALUES ('officials', 7)")
    assert newest(client) == before


def test_of_two_that_pin_at_once_one_holds_and_the_next_check_adds_the_other(
    clickhouse: ClickHouseConnection, client: Client
) -> None:
    before = adopted(client).pin
    procedures, calendar = loaded(client, "procedures", THREE_DAYS), loaded(client, "calendar", on("2030-01-02", "off"))
    won = pin(client, before, Loads(procedures=procedures), NOW)
    other = connect(clickhouse)
    assert pin(other, before, Loads(calendar=calendar), NOW + timedelta(hours=1)) == won
    other.disconnect()
    assert adopted(client).pin.loads == Loads(calendar=calendar, procedures=procedures)


def test_a_clock_that_was_set_back_hides_no_pin(client: Client) -> None:
    first = adopted(client).pin
    later = pin(client, first, Loads(procedures=loaded(client, "procedures", THREE_DAYS)), at("2020-01-01 00:00"))
    assert held(client, EPOCH) == later
    assert first.pinned_at is not None
    assert later.pinned_at is not None
    assert later.pinned_at > first.pinned_at


def test_a_new_epoch_has_the_current_loads_and_keeps_them(client: Client) -> None:
    first = loaded(client, "procedures", THREE_DAYS)
    pinned = pin_newest(client, 3)
    assert (pinned.epoch, pinned.loads) == (3, Loads(procedures=first))
    loaded(client, "procedures", structs.replace(THREE_DAYS, term=4))
    assert pin_newest(client, 3) == pinned


_DAYS = [date(2026, 2, 9) + timedelta(days=number) for number in range(24)]
_TIMES = ("07:59", "08:00", "10:30", "12:00", "16:59", "17:00", "23:59")
_NUMBERED = (
    *(kinds.SupplementRequested, kinds.SupplementAnswered, kinds.ObligationSet, kinds.ObligationMet),
    *(kinds.Paused, kinds.Resumed),
)
_OTHERS = (*_NUMBERED, *_NUMBERED, TermSet, Extended, Resolved, kinds.Withdrawn, kinds.Refused, kinds.Returned)
_CHANGES = [
    *(on(str(day), "off") for day in _DAYS[::2]),
    *(on(str(day), "worked") for day in _DAYS[4::5]),
    on("2026-02-24", "half"),
    schedule("6-6", "07:30-11:30", kind="half", since="2026-02-14"),
    schedule("1-5", "07:00-11:30", "13:30-17:00", since="2026-02-23"),
]
_PROMISES = (
    None,
    Promise(Duration(3, "working days")),
    Promise(Duration(12, "working hours")),
    Promise(Duration(6, "days")),
)


def instant(random: Random) -> datetime:
    return at(f"{random.choice(_DAYS)} {random.choice(_TIMES)}")


def life(random: Random, number: int, now: datetime) -> list[Event]:
    """The events of a case around Tết 2026 that had happened by now; its agency and procedure are its own."""
    own: dict[str, Any] = {"dossier": f"D{number}", "source": "s"}
    received = min(instant(random), now)
    found: list[Event] = [
        Received(
            **own, id=f"{number}/0", occurred_at=received, agency=f"A{number}", procedure=f"P{number}", channel="online"
        )
    ]
    for place in range(1, random.randint(1, 7)):
        kind, fields = random.choice(_OTHERS), dict[str, Any]()
        if kind in _NUMBERED or kind is Extended:
            fields["number"] = random.randint(1, 2)
        if kind in (TermSet, Extended):
            fields["term"] = instant(random)
        if (happened := instant(random)) <= now:
            found.append(kind(**own, id=f"{number}/{place}", occurred_at=happened, **fields))
    return found


def registers_of(events: list[Event]) -> Registers:
    registers: Registers = {}
    for event in events:
        registers = fold(registers, event)
    return registers


@pytest.mark.parametrize("now", [at("2026-02-19 12:00"), at("2026-03-05 12:00")])
def test_a_change_that_touches_no_case_changes_no_row(
    clickhouse: ClickHouseConnection, client: Client, now: datetime
) -> None:
    random = Random(f"{now}")
    base = list(built_in_rules())
    lives = [life(random, number, now) for number in range(sized(250, 900))]
    promises = [random.choice(_PROMISES) for _ in lives]

    calendar = Calendar(base)
    before = Ruling(lambda _agency: calendar, lambda procedure, _channel, _at: promises[int(procedure[1:])])
    count(clickhouse, *(event for events in lives for event in events), ruling=before, published=at("2026-04-01 00:00"))
    changed = {rule: Calendar([*base, rule]) for rule in _CHANGES}
    first_days = {rule: first_difference(calendar, other) for rule, other in changed.items()}
    days = {rule: day for rule, day in first_days.items() if day}
    chosen = [random.choice(list(days)) for _ in lives]
    offered = [(random.choice(_PROMISES), sorted((instant(random), instant(random)))) for _ in lives]
    touched = {
        "calendar": cases_on(client, [(f"A{n}", at(f"{days[rule]} 00:00")) for n, rule in enumerate(chosen)], [], now),
        "promise": cases_on(
            client, [], [(f"P{n}", "online", first, until) for n, (_, (first, until)) in enumerate(offered)], now
        ),
    }
    for number, events in enumerate(lives):
        registers, own = registers_of(events), promises[number]
        other, (new, (first, until)) = changed[chosen[number]], offered[number]
        begin, end = to_micros(first), to_micros(until)
        by_calendar = Ruling(lambda _agency, other=other: other, before.promise_of)  # type: ignore[misc]
        by_promise = Ruling(
            before.calendar_of,
            lambda _p, _c, received, b=begin, e=end, own=own, new=new: (  # type: ignore[misc]
                new if b <= received < e else own
            ),
        )
        facts = facts_of(registers, before)
        for kind, after in (("calendar", by_calendar), ("promise", by_promise)):
            is_touched = f"D{number}" in touched[kind].some
            assert is_touched or facts_of(registers, after) == facts, (kind, chosen[number], offered[number], events)
    for each in touched.values():
        assert 0 < each.cases == len(each.some) < len(lives) * 0.8
