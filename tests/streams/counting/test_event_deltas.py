from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.events import KINDS, AnyEvent, Event
from streams.counting.case import Case
from streams.counting.contributions import Contributions, contributions, difference
from streams.counting.event_deltas import apply_updates
from streams.counting.facts import Facts, facts_of
from streams.counting.identity import Identity
from streams.counting.packed_counters import PACKING, columns_of, packed
from streams.counting.registers import Register, fold, register_of, updates
from streams.on_time.ruling import built_in_ruling
from tests.strategies import conflicting_events, events_of
from tests.streams.on_time.lives import lives
from tests.streams.rulings import VARIED
from tests.thorough import sized

HISTORIES = st.lists(events_of("D1"), max_size=12) | st.lists(conflicting_events(("D1",)), max_size=12)
NUMBERED = tuple(KINDS[kind] for kind in ("paid", "refunded", "extended", "supplement_requested", "paused"))
MOVING = tuple(KINDS[kind] for kind in ("transferred", "amended", "voided", "resolved", "feedback_received"))
DATE = Identity("T", 1, 1, Profile(terms="date"), built_in_ruling())
VARIOUS = Identity("T", 1, 1, Profile(), VARIED)
_ZONE = "Australia/Adelaide"
ADELAIDE = Identity("T", 1, 1, Profile(time_zone=_ZONE, terms="date"), built_in_ruling(_ZONE))
"""Half an hour beside the hour, and with summer time."""
IDENTITIES = st.sampled_from((DATE, VARIOUS, VARIOUS, ADELAIDE))


def plainly(history: Sequence[Event], identity: Identity) -> list[Contributions]:
    """What each event changes, by the rules as they are meant."""
    registers: dict[str, Register] = {}
    current, changes = Facts(), []
    for event in history:
        registers = dict(fold(registers, event))
        before, current = current, facts_of(registers, identity.ruling)
        changes.append(difference(contributions(current, identity.profile), contributions(before, identity.profile)))
    return changes


def fast(history: Sequence[Event], identity: Identity) -> list[Contributions]:
    """The same by the fast way, counter by counter."""
    case = Case({})
    changes = []
    for event in history:
        register = register_of(event)
        changed = updates(case.registers, register)
        delta = apply_updates(case, changed, register[3], identity) if changed else {}
        changes.append({window: difference_of(amount) for window, amount in delta.items()})
    return changes


def difference_of(amount: int) -> dict[str, int]:
    """The counters that are not zero; a difference may be negative in some and positive in others."""
    found = {}
    for counter in PACKING:
        counted = (amount + (1 << 63)) % (1 << 64) - (1 << 63)
        amount = (amount - counted) >> 64
        if counted:
            found[counter] = counted
    return found


@settings(max_examples=sized(10, 300))
@given(history=HISTORIES, identity=IDENTITIES)
def test_every_event_changes_what_the_plain_rules_say(history: list[AnyEvent], identity: Identity) -> None:
    assert fast(history, identity) == plainly(history, identity)


@settings(max_examples=sized(40, 1000))
@given(life=lives(12), others=st.lists(events_of("D", (*MOVING, KINDS["paid"])), max_size=3), data=st.data())
def test_every_event_changes_what_the_plain_rules_say_around_stops_and_terms(
    life: list[Event], others: list[AnyEvent], data: st.DataObject
) -> None:
    history = data.draw(st.permutations([*life, *others]))
    assert fast(history, VARIOUS) == plainly(history, VARIOUS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=sized(10, 50))
@given(data=st.data(), identity=IDENTITIES)
def test_no_kind_changes_more_than_its_parts(kind: str, data: st.DataObject, identity: Identity) -> None:
    reception = data.draw(events_of("D1", (KINDS["received"], KINDS["feedback_received"])))
    history = [reception, *data.draw(st.lists(events_of("D1"), max_size=6)), data.draw(events_of("D1", (KINDS[kind],)))]
    assert fast(history, identity) == plainly(history, identity)


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
@given(reception=events_of("D1", (KINDS["received"],)), history=MANY, identity=IDENTITIES)
def test_of_many_payments_and_extensions_each_changes_what_the_plain_rules_say(
    reception: AnyEvent, history: list[AnyEvent], identity: Identity
) -> None:
    for many in ([reception, *history], [*history, reception]):
        assert fast(many, identity) == plainly(many, identity)


@given(counts=st.lists(st.integers(0, 2**63 - 1), min_size=len(COUNTERS), max_size=len(COUNTERS)))
def test_packed_counters_are_what_was_packed(counts: list[int]) -> None:
    assert [column.tolist() for column in columns_of([packed(counts), 0])] == [[count, 0] for count in counts]
