from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.simulator.history import history, receptions
from connectors.simulator.office_calendar import CITY
from connectors.simulator.simulation_plan import Plan
from schemas.deployment_profile import Profile
from schemas.envelope import decode_event, encode_event
from schemas.events import KINDS, Event, FeedbackReceived, Received
from streams.counting.contributions import on_time
from streams.counting.facts import facts_of
from streams.counting.registers import Registers, fold
from tests.thorough import sized

BEGIN = datetime(2026, 1, 5, tzinfo=CITY)
END = BEGIN + timedelta(days=60)
NEVER = END + timedelta(days=700)


def test_the_same_plan_gives_the_same_events_and_another_seed_others() -> None:
    first = list(history(Plan(), BEGIN, END, 200))
    assert first == list(history(Plan(), BEGIN, END, 200))
    assert first != list(history(Plan(seed=2), BEGIN, END, 200))


@pytest.mark.slow
@settings(max_examples=sized(5, 40))
@given(seed=st.integers(0, 2**31), dossiers=st.integers(1, 300), days=st.integers(1, 100))
def test_events_come_in_order_of_arrival_and_never_before_they_happened(seed: int, dossiers: int, days: int) -> None:
    end = BEGIN + timedelta(days=days)
    traffic = list(history(Plan(seed=seed), BEGIN, end, dossiers))
    assert all(before[0] <= after[0] for before, after in pairwise(traffic))
    for at, event in traffic:
        assert BEGIN <= event.occurred_at <= event.recorded <= at < end


@pytest.mark.slow
def test_exactly_so_many_dossiers_online_and_late() -> None:
    cases: dict[str, Registers] = defaultdict(dict)
    for _, event in history(Plan(late=0.09), BEGIN, END, 3000, until=NEVER):
        cases[event.dossier] = fold(cases[event.dossier], event)
    facts = [facts_of(registers) for registers in cases.values()]
    dossiers = [found for found in facts if found.case_kind == "dossier"]
    assert len(dossiers) == 3000
    assert len(facts) - len(dossiers) == 60
    resolved = [found for found in dossiers if found.outcome == "resolved" and not found.voided]
    assert sum(on_time(found, Profile()) is False for found in resolved) == 270
    assert not any(found.is_open for found in dossiers)


def test_what_has_not_arrived_has_not_happened() -> None:
    whole = [event for _, event in history(Plan(), BEGIN, END, 300, until=NEVER)]
    known = [event for _, event in history(Plan(), BEGIN, END, 300)]
    assert known == whole[: len(known)]
    assert 0.7 < len(known) / len(whole) < 1


@pytest.mark.slow
def test_every_kind_is_there_and_every_event_can_travel() -> None:
    kinds: Counter[str] = Counter()
    for _, event in history(Plan(), BEGIN, END, sized(2000, 6000), until=NEVER):
        kinds[str(event.__struct_config__.tag)] += 1
        assert decode_event(encode_event(event)) == event
    assert kinds.keys() == KINDS.keys()


@pytest.mark.slow
def test_duplicates_are_the_same_events_in_the_share_that_was_asked_for() -> None:
    events = [event for _, event in history(Plan(duplicates=0.1), BEGIN, END, 2000, until=NEVER)]
    contents: dict[str, set[Event]] = defaultdict(set)
    for event in events:
        contents[event.id].add(event)
    assert all(len(same) == 1 for same in contents.values())
    assert abs((len(events) - len(contents)) / len(contents) - 0.1) < 0.01
    once = [event for _, event in history(Plan(duplicates=0), BEGIN, END, 2000, until=NEVER)]
    assert len({event.id for event in once}) == len(once)


@pytest.mark.slow
def test_some_events_arrive_late_and_out_of_order() -> None:
    traffic = list(history(Plan(duplicates=0), BEGIN, END, 1000, until=NEVER))
    days = [(at - event.recorded) / timedelta(days=1) for at, event in traffic]
    assert 0.005 < sum(late > 1 for late in days) / len(days) < 0.02
    latest: dict[str, datetime] = {}
    overtaken = 0
    for _, event in traffic:
        overtaken += event.recorded < latest.get(event.dossier, event.recorded)
        latest[event.dossier] = max(event.recorded, latest.get(event.dossier, event.recorded))
    assert overtaken > 50


@pytest.mark.slow
def test_offices_receive_in_office_hours_and_online_filing_knows_none() -> None:
    received = [e for _, e in history(Plan(duplicates=0), BEGIN, END, 3000, NEVER) if isinstance(e, Received)]
    local = {True: [], False: []}  # type: dict[bool, list[datetime]]
    for event in received:
        local[event.channel == "online"].append(event.occurred_at.astimezone(CITY))
    assert len(local[True]) == 1950
    assert all(at.weekday() < 5 and 7 <= at.hour < 17 for at in local[False])
    assert {at.hour for at in local[True]} == set(range(24))
    assert {at.weekday() for at in local[True]} == set(range(7))


@pytest.mark.slow
def test_volumes_fall_from_agency_to_agency_as_zipfs_law_has_it() -> None:
    received = [e for _, e in history(Plan(agencies=20), BEGIN, END, 5000, NEVER) if isinstance(e, Received)]
    volumes = [count for _, count in Counter(event.agency for event in received).most_common()]
    assert len(volumes) == 20
    assert 1.6 < volumes[0] / volumes[1] < 2.5
    assert 8 < volumes[0] / volumes[9] < 13
    assert {event.agency[:4] for event in received} == {"H26."}


def test_feedbacks_are_cases_of_their_own() -> None:
    events = [event for _, event in history(Plan(), BEGIN, END, 1000, NEVER)]
    feedbacks = {event.dossier for event in events if isinstance(event, FeedbackReceived)}
    assert len(feedbacks) == 20
    assert not feedbacks & {event.dossier for event in events if isinstance(event, Received)}


@given(
    seed=st.integers(0, 1000),
    seconds=st.integers(1, 10**6),
    count=st.integers(0, 200),
    online=st.booleans(),
    day=st.integers(0, 6),
)
def test_receptions_are_exactly_so_many_within_the_period_and_rising(
    seed: int, seconds: int, count: int, online: bool, day: int
) -> None:
    begin = datetime(2026, 3, 1 + day, tzinfo=UTC).timestamp()
    found = list(receptions(seed, begin, begin + seconds, count, online=online))
    assert len(found) == count
    assert found == sorted(found)
    assert all(begin <= at < begin + seconds for at in found)
