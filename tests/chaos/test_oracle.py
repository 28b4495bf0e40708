"""The oracle and the rules of counting are two ways to one result; the examples are figured by hand."""

from random import Random
from typing import Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from chaos.oracle.case import Case
from chaos.oracle.event_content import digest
from chaos.oracle.expected_rows import Capacity, Expected, expected
from chaos.oracle.law import Law, built_in_law
from chaos.verdict import Stored, Verdict, case_of, judge
from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.events import (
    Amended,
    AnyEvent,
    Event,
    Paid,
    Received,
    Refunded,
    Reopened,
    Resolved,
    Returned,
    TermSet,
    Transferred,
    Voided,
)
from schemas.instant import to_micros
from schemas.partition import partition_of
from schemas.tables import FACTS
from streams.counting.contributions import contributions
from streams.counting.facts import facts_of
from streams.counting.registers import Registers, fold, pack
from streams.counting.rows import facts_row
from streams.counting.store_interface import Row
from streams.counting.store_interface import Stored as At
from streams.on_time.ruling import Ruling, built_in_ruling
from tests.strategies import MOMENTS, conflicting_events, events
from tests.streams.cases import at, micros, said
from tests.thorough import sized

PARTITIONS = 3
RECEIVED = said(Received, "2026-03-02 08:00", agency="H01", channel="online")
START = 1_772_413_200  # 2026-03-02 08:00 in Việt Nam


def test_a_case_takes_the_first_numbers_of_its_log_and_their_corrections() -> None:
    def paid(transaction: str, seq: int = 0, dossier: str = "D1") -> Event:
        fields = {"transaction": transaction, "amount": 1, "method": "cash", "seq": seq, "dossier": dossier}
        return said(Paid, "2026-03-02 08:00", **fields)

    refund = said(Refunded, "2026-03-02 08:00", transaction="a", amount=1)
    log = [RECEIVED, paid("a"), paid("b"), paid("c"), paid("a", 1), refund, paid("c", 1), paid("c", 0, "D2"), RECEIVED]
    capacity = Capacity(2)
    assert [capacity.takes(event) for event in log] == [True, True, True, False, True, False, False, True, True]


def told(*events: Event, terms: Literal["instant", "date"] = "instant") -> Expected:
    return expected(events, partitions=1, terms=terms, time_zone="Asia/Ho_Chi_Minh")


def case_in(row: Row) -> Case:
    """The case of a row of facts."""
    named = dict(zip(FACTS.columns, row, strict=True))
    return case_of(named[name] for name in Case.__struct_fields__)


def counted(history: list[AnyEvent], profile: Profile, ruling: Ruling) -> Stored:
    """The same by the rules of counting, but for the events."""
    registers: dict[str, Registers] = {}
    for event in history:
        registers[event.dossier] = fold(registers.get(event.dossier, {}), event)
    facts, windows = {}, dict[Any, Any]()
    for dossier, held in registers.items():
        partition = partition_of(dossier, PARTITIONS)
        if held:
            row = facts_row(dossier, partition, At(0, pack(held)), facts_of(held, ruling), profile)
            facts[dossier] = case_in(row)
        for window, counters in contributions(facts_of(held, ruling), profile).items():
            counts = windows.setdefault((*window, partition), {})
            for counter, amount in counters.items():
                counts[counter] = counts.get(counter, 0) + amount
    return Stored(facts.items(), windows.items(), ())


def assert_agreement(
    history: list[AnyEvent], repeated: list[AnyEvent], profile: Profile, ruling: Ruling, law: Law
) -> None:
    terms, zone = profile.terms, profile.time_zone
    found = expected(repeated, partitions=PARTITIONS, terms=terms, time_zone=zone, law=law)
    assert judge(structs.replace(found, events=set()), counted(history, profile, ruling)) == Verdict(0, 0, 0, 0)


def test_a_case_has_all_columns_of_facts_but_those_that_say_how_they_came_about() -> None:
    assert ["dossier", "pos", "number", "registers", *Case.__struct_fields__] == sorted(
        FACTS.columns, key=["dossier", "pos", "number", "registers", *Case.__struct_fields__].index
    )


CONFLICTING = [
    said(Amended, "2026-03-02 08:01", id="e", agency="H02", channel="direct"),
    said(Amended, "2026-03-02 08:01", id="e", agency="H01", channel="postal"),
    said(Received, "2026-03-02 08:01", id="e", agency="H03", channel="online"),
    said(Returned, "2026-03-02 08:01", id="e"),
    said(Reopened, "2026-03-02 08:01", id="e"),
]


@settings(max_examples=sized(10, 400))
@given(
    history=st.lists(events() | conflicting_events(), min_size=1, max_size=30),
    terms=st.sampled_from(("instant", "date")),
    zone=st.sampled_from(("Asia/Ho_Chi_Minh", "UTC", "America/New_York")),
    seed=st.integers(0, 2**32),
)
@example(history=CONFLICTING, terms="instant", zone="UTC", seed=0)
@example(history=CONFLICTING[1:], terms="instant", zone="UTC", seed=0)
def test_it_agrees_with_the_rules_of_counting_about_any_events(
    history: list[AnyEvent], terms: Literal["instant", "date"], zone: str, seed: int
) -> None:
    random = Random(seed)
    repeated = [*history, *random.choices(history, k=5)]
    random.shuffle(repeated)
    profile = Profile(terms=terms, time_zone=zone)
    assert_agreement(history, repeated, profile, built_in_ruling(zone), built_in_law(zone))


@settings(max_examples=sized(10, 300))
@given(
    history=st.lists(
        conflicting_events(("D1",)).map(lambda event: structs.replace(event, recorded_at=MOMENTS[1], seq=0)),
        min_size=2,
        max_size=12,
    ),
    seed=st.integers(0, 2**32),
)
def test_it_agrees_about_contents_that_only_their_encoding_tells_apart(history: list[AnyEvent], seed: int) -> None:
    shuffled = Random(seed).sample(history, len(history))
    assert_agreement(history, shuffled, Profile(time_zone="UTC"), built_in_ruling("UTC"), built_in_law("UTC"))


def test_its_counters_are_those_of_windows() -> None:
    everything: dict[str, int] = {}
    for seed in range(40):
        random = Random(seed)
        for history in _histories(random):
            for counters in told(*history).windows.values():
                everything |= counters
    assert everything.keys() <= COUNTERS.keys()


def _histories(random: Random) -> list[list[Event]]:
    pool: list[Event] = [
        RECEIVED,
        said(TermSet, "2026-03-02 08:00", term=at("2026-03-03 08:00")),
        said(Paid, "2026-03-02 08:00", transaction="T", amount=5, method="online"),
        said(Resolved, "2026-03-02 09:00", e_result=True),
        said(Returned, "2026-03-02 09:30"),
    ]
    return [random.sample(pool, random.randint(1, len(pool)))]


def test_a_reception_counts_in_its_window_and_once_however_often_it_is_told() -> None:
    found = told(RECEIVED, RECEIVED)
    assert found.windows == {("H01", START, 0): {"received": 1, "received_online": 1}}
    assert found.facts["D1"].received_at == micros("2026-03-02 08:00")
    assert len(found.events) == 1


def test_what_was_recorded_later_holds_whatever_came_first() -> None:
    corrected = said(Received, "2026-03-02 08:20", agency="H02", recorded_at=at("2026-03-05 09:00"))
    for order in ((RECEIVED, corrected), (corrected, RECEIVED)):
        assert told(*order).windows == {("H02", START + 1200, 0): {"received": 1}}


def test_a_transfer_takes_all_counts_along() -> None:
    found = told(RECEIVED, said(Resolved, "2026-03-02 09:00"), said(Transferred, "2026-03-02 08:30", agency="H02"))
    assert {agency for agency, _, _ in found.windows} == {"H02"}


def test_an_event_before_any_reception_has_facts_and_counts_nowhere() -> None:
    found = told(said(Resolved, "2026-03-02 09:00"))
    assert found.facts["D1"].outcome == "resolved"
    assert found.windows == {}


def test_a_voided_case_counts_nowhere_until_it_is_no_longer_void() -> None:
    void = said(Voided, "2026-03-02 10:00")
    assert told(RECEIVED, void).windows == {}
    assert told(RECEIVED, void, said(Voided, "2026-03-02 11:00", voided=False)).windows == told(RECEIVED).windows


def test_an_amendment_of_nothing_says_nothing_but_is_an_event() -> None:
    found = told(said(Amended, "2026-03-02 08:00"))
    assert (found.facts, found.windows, len(found.events)) == ({}, {}, 1)


@pytest.mark.parametrize(("terms", "on_time"), [("instant", False), ("date", True)])
def test_the_rule_of_terms_decides_what_is_on_time(terms: Literal["instant", "date"], on_time: bool) -> None:
    term = said(TermSet, "2026-03-02 08:00", term=at("2026-03-09 16:00"))
    found = told(RECEIVED, term, said(Resolved, "2026-03-09 17:30"), terms=terms)
    assert found.facts["D1"].on_time is on_time


def test_a_payment_given_back_whole_is_no_payment_online_of_its_reception() -> None:
    fee = said(Received, "2026-03-02 08:00", agency="H01", fee_bearing=True)
    paid = said(Paid, "2026-03-02 08:10", transaction="T", amount=50, method="online")
    first = {"received": 1, "fee_bearing": 1}
    assert told(fee, paid).windows["H01", START, 0] == first | {"fee_paid_online": 1}
    assert told(fee, paid, said(Refunded, "2026-03-02 08:11", transaction="T", amount=50)).windows["H01", START, 0] == (
        first
    )


def test_two_contents_of_one_id_are_two_events() -> None:
    assert len(told(RECEIVED, structs.replace(RECEIVED, agency="H02")).events) == 2
    assert len(told(RECEIVED, structs.replace(RECEIVED, recorded_at=at("2026-03-03 08:00"))).events) == 1


def test_a_digest_is_of_the_payload_and_not_of_its_order() -> None:
    occurred = to_micros(RECEIVED.occurred_at)
    assert told(RECEIVED).events == {
        ("D1", RECEIVED.id, digest("received", "test", occurred, {"channel": "online", "agency": "H01"} | NOT_GIVEN))
    }


NOT_GIVEN = {"fee_bearing": False}
