from itertools import product
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.events import KINDS, AnyEvent
from schemas.instant import EARLIEST, to_micros
from streams.counting.case import Case
from streams.counting.contributions import Contributions, contributions, difference, local_date
from streams.counting.delta_parts import _local_day
from streams.counting.event_deltas import apply_updates
from streams.counting.facts import Facts, facts_of
from streams.counting.packed_counters import columns_of, packed
from streams.counting.registers import Register, fold, register_of, updates
from tests.strategies import conflicting_events, events_of
from tests.streams.cases import DATE, INSTANT
from tests.thorough import sized

HISTORIES = st.lists(events_of("D1"), max_size=12) | st.lists(conflicting_events(("D1",)), max_size=12)
NUMBERED = tuple(KINDS[kind] for kind in ("paid", "refunded", "extended", "supplement_requested", "paused"))
MOVING = tuple(KINDS[kind] for kind in ("transferred", "amended", "voided", "resolved", "feedback_received"))
ADELAIDE = Profile(time_zone="Australia/Adelaide", terms="date")
"""Half an hour beside the hour, and with summer time."""


def plainly(history: list[AnyEvent], profile: Profile) -> list[Contributions]:
    """What each event changes, by the rules as they are meant."""
    registers: dict[str, Register] = {}
    current, changes = Facts(), []
    for event in history:
        registers = dict(fold(registers, event))
        before, current = current, facts_of(registers)
        changes.append(difference(contributions(current, profile), contributions(before, profile)))
    return changes


def fast(history: list[AnyEvent], profile: Profile) -> list[Contributions]:
    """The same by the fast way, counter by counter."""
    case = Case({})
    changes = []
    for event in history:
        register = register_of(event)
        changed = updates(case.registers, register)
        delta = apply_updates(case, changed, register[3], profile) if changed else {}
        changes.append({window: difference_of(amount) for window, amount in delta.items()})
    return changes


def difference_of(amount: int) -> dict[str, int]:
    """The counters that are not zero; a difference may be negative in some and positive in others."""
    found = {}
    for counter in COUNTERS:
        counted = (amount + (1 << 63)) % (1 << 64) - (1 << 63)
        amount = (amount - counted) >> 64
        if counted:
            found[counter] = counted
    return found


@settings(max_examples=sized(10, 300))
@given(history=HISTORIES, profile=st.sampled_from((INSTANT, DATE, ADELAIDE)))
def test_every_event_changes_what_the_plain_rules_say(history: list[AnyEvent], profile: Profile) -> None:
    assert fast(history, profile) == plainly(history, profile)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=sized(10, 50))
@given(data=st.data(), profile=st.sampled_from((INSTANT, DATE)))
def test_no_kind_changes_more_than_its_parts(kind: str, data: st.DataObject, profile: Profile) -> None:
    reception = data.draw(events_of("D1", (KINDS["received"], KINDS["feedback_received"])))
    history = [reception, *data.draw(st.lists(events_of("D1"), max_size=6)), data.draw(events_of("D1", (KINDS[kind],)))]
    assert fast(history, profile) == plainly(history, profile)


def renumbered(event: AnyEvent, number: int) -> AnyEvent:
    """The same of another number or transaction, so that a case comes to have many."""
    renamed = {"number": number, "transaction": f"T{number}"}
    return msgspec.structs.replace(
        event, **{name: renamed[name] for name in renamed if name in event.__struct_fields__}
    )


MANY = st.lists(
    st.builds(renumbered, events_of("D1", (*NUMBERED, *MOVING)) | events_of("D1", NUMBERED), st.integers(1, 30)),
    min_size=15,
    max_size=40,
)


@pytest.mark.slow
@settings(max_examples=sized(10, 100))
@given(reception=events_of("D1", (KINDS["received"],)), history=MANY, profile=st.sampled_from((INSTANT, DATE)))
def test_of_many_payments_and_extensions_each_changes_what_the_plain_rules_say(
    reception: AnyEvent, history: list[AnyEvent], profile: Profile
) -> None:
    for many in ([reception, *history], [*history, reception]):
        assert fast(many, profile) == plainly(many, profile)


@given(counts=st.lists(st.integers(0, 2**63 - 1), min_size=len(COUNTERS), max_size=len(COUNTERS)))
def test_packed_counters_are_what_was_packed(counts: list[int]) -> None:
    assert [column.tolist() for column in columns_of([packed(counts), 0])] == [[count, 0] for count in counts]


def test_local_days_change_with_the_zone() -> None:
    random = Random(1)
    zones = ("Asia/Ho_Chi_Minh", "Europe/Amsterdam", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia")
    for zone, _ in product(zones, range(500)):
        profile = Profile(time_zone=zone)
        at = to_micros(EARLIEST) + random.randrange(100 * 365 * 86_400 * 10**6)
        day = local_date(at, profile)
        assert _local_day(at, ZoneInfo(zone)) == day.toordinal() - 719_163
