from datetime import UTC, datetime
from itertools import pairwise
from operator import add
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.events import (
    AnyEvent,
    Digitised,
    Event,
    Extended,
    FeedbackAnswered,
    FeedbackReceived,
    Paid,
    Paused,
    Rated,
    Received,
    Refunded,
    Refused,
    Reopened,
    Resolved,
    Resumed,
    Returned,
    Stopped,
    SupplementRequested,
    TermSet,
    Transferred,
    Voided,
    Withdrawn,
)
from schemas.instant import to_micros
from streams.counting.case_history import ruled_history
from streams.counting.contributions import Contributions, contributions, difference, local_date, on_time, window_of
from streams.counting.facts import Facts, facts_of
from streams.on_time.verdicts import judge
from tests.strategies import conflicting_events, events_of
from tests.streams.cases import DATE, INSTANT, at, counts, facts, joined, micros, said, total
from tests.streams.on_time.lives import lives
from tests.streams.rulings import VARIED
from tests.thorough import sized

RECEIVED = said(Received, "2026-03-02 08:01", agency="H01")
FEEDBACK = said(FeedbackReceived, "2026-03-02 08:01", agency="H01")
TERM = said(TermSet, "2026-03-02 08:01", term=at("2026-03-10 17:00"))


RECEPTIONS = st.lists(events_of("D1", (Received, FeedbackReceived)), max_size=2)
HISTORIES = st.builds(add, RECEPTIONS, st.lists(events_of("D1") | conflicting_events(("D1",)), max_size=10))
"""Histories of one case, most of which were received and so count."""


def window(local: str, agency: str = "H01") -> tuple[str, int]:
    return agency, micros(local) // 1_000_000


NOT_LATE = {"judged_by_766": 1, "on_time_by_766": 1, "form_on_time": 1}
"""Counters of verdicts, of a dossier that ended without a result."""
VERDICTS = tuple(COUNTERS)[-6:]
LONG_AFTER = micros("2030-01-01 00:00")
ON_TIME = NOT_LATE | {"resolved_on_time_by_instant": 1, "resolved_on_time_by_date": 1}
POSTED = (
    said(Paused, "2026-03-04 09:00", reason="land posting"),
    said(Resumed, "2026-03-05 09:00"),
)
EXAMPLES: list[tuple[str, tuple[Event, ...], str, dict[str, int]]] = [
    ("reception", (RECEIVED,), "2026-03-02 08:00", {"received": 1}),
    (
        "reception online",
        (said(Received, "2026-03-02 08:01", agency="H01", channel="online"),),
        "2026-03-02 08:00",
        {"received": 1, "received_online": 1},
    ),
    (
        "reception by post",
        (said(Received, "2026-03-02 08:01", agency="H01", channel="postal"),),
        "2026-03-02 08:00",
        {"received": 1, "received_postal": 1},
    ),
    (
        "result in time",
        (RECEIVED, TERM, said(Resolved, "2026-03-10 16:58")),
        "2026-03-10 16:55",
        {"resolved": 1, "resolved_on_time": 1} | ON_TIME,
    ),
    (
        "late result",
        (RECEIVED, TERM, said(Resolved, "2026-03-11 09:00")),
        "2026-03-11 09:00",
        {"resolved": 1, "judged_by_766": 1},
    ),
    (
        "result in time by date alone",
        (RECEIVED, TERM, said(Resolved, "2026-03-10 17:01")),
        "2026-03-10 17:00",
        {"resolved": 1, **ON_TIME, "resolved_on_time_by_instant": 0},
    ),
    (
        "result in time by a stop alone",
        (RECEIVED, TERM, *POSTED, said(Resolved, "2026-03-11 09:00")),
        "2026-03-11 09:00",
        {"resolved": 1, **ON_TIME, "on_time_by_766": 0},
    ),
    (
        "early result",
        (RECEIVED, TERM, said(Resolved, "2026-03-09 23:59")),
        "2026-03-09 23:55",
        {"resolved": 1, "resolved_on_time": 1, "resolved_early": 1, **ON_TIME, "form_early": 1, "form_on_time": 0},
    ),
    (
        "result without a term",
        (RECEIVED, said(Resolved, "2026-03-20 09:00", e_result=True)),
        "2026-03-20 09:00",
        {"resolved": 1, "resolved_on_time": 1, "resolved_electronically": 1} | ON_TIME,
    ),
    (
        "return alone",
        (RECEIVED, said(Returned, "2026-03-20 09:00")),
        "2026-03-20 09:00",
        {"resolved": 1, "resolved_on_time": 1, "returned": 1} | ON_TIME,
    ),
    (
        "return after the result",
        (RECEIVED, said(Resolved, "2026-03-20 09:00"), said(Returned, "2026-03-21 09:00")),
        "2026-03-21 09:00",
        {"returned": 1},
    ),
    (
        "withdrawal",
        (RECEIVED, TERM, said(Withdrawn, "2026-03-04 09:00")),
        "2026-03-04 09:00",
        {"withdrawn": 1} | NOT_LATE,
    ),
    ("refusal", (RECEIVED, said(Refused, "2026-03-04 09:00")), "2026-03-04 09:00", {"refused": 1} | NOT_LATE),
    ("stop", (RECEIVED, said(Stopped, "2026-03-04 09:00")), "2026-03-04 09:00", {"stopped": 1} | NOT_LATE),
    (
        "late refusal",
        (RECEIVED, TERM, said(Refused, "2026-03-11 09:00")),
        "2026-03-11 09:00",
        {"refused": 1, "judged_by_766": 1, "form_on_time": 1},
    ),
    (
        "extensions",
        (RECEIVED, *(said(Extended, "2026-03-04 09:00", number=n, term=at("2026-04-01 17:00")) for n in (1, 2))),
        "2026-03-04 09:00",
        {"extensions": 2},
    ),
    (
        "supplements",
        (RECEIVED, *(said(SupplementRequested, f"2026-03-04 09:0{n}", number=n) for n in (1, 2))),
        "2026-03-04 09:00",
        {"supplements": 2},
    ),
    (
        "payments",
        (
            RECEIVED,
            said(Paid, "2026-03-04 09:00", transaction="T1", amount=50_000, method="online"),
            said(Paid, "2026-03-04 09:01", transaction="T2", amount=20_000, method="transfer"),
        ),
        "2026-03-04 09:00",
        {"payments": 2, "payments_online": 1, "paid_amount": 70_000},
    ),
    (
        "refund",
        (
            RECEIVED,
            said(Paid, "2026-03-04 09:00", transaction="T1", amount=50_000, method="cash"),
            said(Refunded, "2026-03-06 09:00", transaction="T1", amount=20_000),
        ),
        "2026-03-06 09:00",
        {"refunds": 1, "refunded_amount": 20_000},
    ),
    (
        "digitisation",
        (RECEIVED, said(Digitised, "2026-03-04 09:00", components=5, digitised=3, reused=1)),
        "2026-03-04 09:00",
        {"digitisations": 1, "components": 5, "components_digitised": 3, "components_reused": 1},
    ),
    (
        "satisfied rating",
        (RECEIVED, said(Rated, "2026-03-14 09:00", satisfied=True)),
        "2026-03-14 09:00",
        {"rated": 1, "satisfied": 1},
    ),
    (
        "dissatisfied rating",
        (RECEIVED, said(Rated, "2026-03-14 09:00", satisfied=False, score=5)),
        "2026-03-14 09:00",
        {"rated": 1},
    ),
    ("feedback", (FEEDBACK,), "2026-03-02 08:00", {"feedback_received": 1}),
    (
        "answer in time",
        (FEEDBACK, TERM, said(FeedbackAnswered, "2026-03-10 17:00")),
        "2026-03-10 17:00",
        {"feedback_answered": 1, "feedback_on_time": 1},
    ),
    (
        "late answer",
        (FEEDBACK, TERM, said(FeedbackAnswered, "2026-03-10 17:01")),
        "2026-03-10 17:00",
        {"feedback_answered": 1},
    ),
    (
        "rated answer",
        (FEEDBACK, said(Rated, "2026-03-14 09:00", satisfied=True)),
        "2026-03-14 09:00",
        {"feedback_rated": 1, "feedback_satisfied": 1},
    ),
]


@pytest.mark.parametrize(("history", "start", "counted"), [pytest.param(*rest, id=name) for name, *rest in EXAMPLES])
def test_each_counts_in_its_own_window(history: tuple[Event, ...], start: str, counted: dict[str, int]) -> None:
    assert counts(*history)[window(start)] == {name: amount for name, amount in counted.items() if amount}


FEE = said(Received, "2026-03-02 08:01", agency="H01", fee_bearing=True)


def test_the_examples_reach_every_counter() -> None:
    paid = said(Paid, "2026-03-04 09:00", transaction="T1", amount=5, method="online")
    histories = [history for _, history, _, _ in EXAMPLES] + [(FEE, paid)]
    assert set().union(*(total(counts(*history)) for history in histories)) == set(COUNTERS)


@pytest.mark.slow
@settings(max_examples=sized(10, 200))
@given(history=HISTORIES, profile=st.sampled_from((INSTANT, DATE)))
def test_whatever_counts_is_a_declared_counter_above_nought_on_five_minutes(
    history: list[AnyEvent], profile: Profile
) -> None:
    for (agency, start), counters in counts(*history, profile=profile).items():
        assert agency == facts(*history).agency != ""
        assert start % 300 == 0
        assert counters.keys() <= COUNTERS.keys()
        assert all(amount > 0 for amount in counters.values())


def test_nothing_counts_before_the_reception_and_all_of_it_after() -> None:
    others = (TERM, said(Resolved, "2026-03-09 09:00"), said(Rated, "2026-03-14 09:00", satisfied=True))
    assert counts(*others) == {}
    assert total(counts(*others, RECEIVED)) == {
        "received": 1,
        "resolved": 1,
        "resolved_on_time": 1,
        "resolved_early": 1,
        "resolved_on_time_by_instant": 1,
        "resolved_on_time_by_date": 1,
        "judged_by_766": 1,
        "on_time_by_766": 1,
        "form_early": 1,
        "rated": 1,
        "satisfied": 1,
    }


def test_a_voided_case_counts_nowhere_until_taken_back() -> None:
    history = (RECEIVED, said(Resolved, "2026-03-09 09:00"))
    voided = said(Voided, "2026-03-15 09:00")
    assert counts(*history, voided) == {}
    assert counts(*history, voided, said(Voided, "2026-03-16 09:00", voided=False)) == counts(*history)


def test_a_reopened_dossier_has_no_result() -> None:
    assert total(counts(RECEIVED, said(Resolved, "2026-03-09 09:00"), said(Reopened, "2026-03-10 09:00"))) == {
        "received": 1
    }


def test_a_transfer_takes_all_counts_along() -> None:
    moved = counts(RECEIVED, said(Resolved, "2026-03-09 09:00"), said(Transferred, "2026-03-10 09:00", agency="H02"))
    assert {agency for agency, _ in moved} == {"H02"}
    assert total(moved)["received"] == total(moved)["resolved"] == 1


def test_a_dossier_counts_nothing_of_feedback_and_a_feedback_nothing_of_dossiers() -> None:
    rest = (TERM, said(FeedbackAnswered, "2026-03-05 09:00"), said(Rated, "2026-03-14 09:00", satisfied=True))
    assert total(counts(RECEIVED, *rest)).keys() == {"received", "rated", "satisfied"}
    assert all(counter.startswith("feedback_") for counter in total(counts(FEEDBACK, *rest)))


@pytest.mark.parametrize("order", [1, -1])
def test_a_feedback_with_the_id_of_a_dossier_takes_nothing_from_it(order: int) -> None:
    dossier = (RECEIVED, TERM, said(Resolved, "2026-03-09 09:00"))
    feedback = (
        said(FeedbackReceived, "2026-03-20 09:00", agency="H02", channel="postal"),
        said(FeedbackAnswered, "2026-03-21 09:00"),
    )
    assert counts(*(*dossier, *feedback)[::order]) == counts(*dossier)
    # Nor does an answer close a dossier that is open.
    assert facts(*(RECEIVED, *feedback)[::order]).is_open


def test_a_feedback_that_was_reopened_ends_with_its_next_answer() -> None:
    reopened = (FEEDBACK, said(FeedbackAnswered, "2026-03-05 09:00"), said(Reopened, "2026-03-06 09:00"))
    assert total(counts(*reopened)) == {"feedback_received": 1}
    assert total(counts(*reopened, said(FeedbackAnswered, "2026-03-07 09:00")))["feedback_answered"] == 1


@pytest.mark.parametrize(
    ("when", "start"),
    [
        ("2026-03-02 08:00", "2026-03-02 08:00"),
        ("2026-03-02 08:04:59.999999", "2026-03-02 08:00"),
        ("2026-03-02 08:05", "2026-03-02 08:05"),
        ("2026-03-02 07:59:59.999999", "2026-03-02 07:55"),
    ],
)
def test_a_window_begins_on_the_five_minutes_and_ends_before_the_next(when: str, start: str) -> None:
    assert window_of(micros(when)) == micros(start) // 1_000_000
    assert counts(said(Received, when, agency="H01")) == {window(start): {"received": 1}}


@pytest.mark.parametrize(
    ("outcome", "by_instant", "by_date", "early"),
    [
        ("2026-03-10 16:59:59.999999", True, True, False),
        ("2026-03-10 17:00", True, True, False),
        ("2026-03-10 17:00:00.000001", False, True, False),
        ("2026-03-10 23:59:59.999999", False, True, False),
        ("2026-03-11 00:00", False, False, False),
        ("2026-03-10 00:00", True, True, False),
        ("2026-03-09 23:59:59.999999", True, True, True),
    ],
)
def test_in_time_up_to_the_instant_or_through_the_local_day(
    outcome: str, by_instant: bool, by_date: bool, early: bool
) -> None:
    history = (RECEIVED, TERM, said(Resolved, outcome))
    for profile, expected in ((INSTANT, by_instant), (DATE, by_date)):
        assert on_time(facts(*history), profile) is expected
        assert total(counts(*history, profile=profile)).get("resolved_on_time", 0) == expected
        assert total(counts(*history, profile=profile)).get("resolved_early", 0) == early


def test_an_extension_is_what_counts_as_the_term() -> None:
    extended = said(Extended, "2026-03-09 09:00", term=at("2026-03-20 17:00"))
    assert total(counts(RECEIVED, TERM, extended, said(Resolved, "2026-03-15 09:00")))["resolved_on_time"] == 1


def test_without_an_outcome_nothing_is_in_time_or_late() -> None:
    assert on_time(facts(RECEIVED, TERM), INSTANT) is None


@settings(max_examples=sized(60, 2_000))
@given(life=lives(10))
def test_verdicts_are_counted_once_everything_has_happened(life: list[Event]) -> None:
    registers = joined(*life)
    counted, found = total(contributions(facts_of(registers, VARIED), INSTANT)), ruled_history(registers, VARIED)
    assert found
    history, calendar = found
    expected: dict[str, int] = {}
    if history.outcome:
        verdicts = [
            judge(rule, history, LONG_AFTER, calendar) for rule in VARIED.rules_for(history.received_at, calendar)
        ]
        by_instant, by_date, by_766, by_form = [verdict.standing for verdict in verdicts if verdict]
        is_resolved = history.outcome == "resolved"
        expected = {
            "resolved_on_time_by_instant": is_resolved and by_instant == "on time",
            "resolved_on_time_by_date": is_resolved and by_date == "on time",
            "judged_by_766": True,
            "on_time_by_766": by_766 == "on time",
            "form_early": by_form == "early",
            "form_on_time": by_form == "on time",
        }
    assert {name: counted.get(name, 0) for name in VERDICTS} == dict.fromkeys(VERDICTS, 0) | expected


BERLIN = Profile(time_zone="Europe/Berlin", terms="date")
UTC_DATE = Profile(time_zone="UTC", terms="date")


@pytest.mark.parametrize(
    ("profile", "term", "outcome", "expected"),
    [
        # 25 October 2026 has 25 hours in Berlin: its day ends at 23:00 UTC, having begun at 22:00.
        (BERLIN, "2026-10-25T08:00:00", "2026-10-25T22:59:59", True),
        (BERLIN, "2026-10-25T08:00:00", "2026-10-25T23:00:00", False),
        (BERLIN, "2026-10-24T22:00:00", "2026-10-25T22:30:00", True),
        (BERLIN, "2026-10-24T21:59:59", "2026-10-24T22:00:00", False),
        # 29 March 2026 has 23: from 23:00 UTC to 22:00.
        (BERLIN, "2026-03-29T08:00:00", "2026-03-29T21:59:59", True),
        (BERLIN, "2026-03-29T08:00:00", "2026-03-29T22:00:00", False),
        # The day in Việt Nam begins at 17:00 UTC.
        (DATE, "2026-03-31T16:00:00", "2026-03-31T16:59:59", True),
        (DATE, "2026-03-31T16:00:00", "2026-03-31T17:00:00", False),
        (UTC_DATE, "2026-03-31T16:00:00", "2026-03-31T17:00:00", True),
        (DATE, "2026-03-31T17:00:00", "2026-04-01T16:59:59", True),
        (UTC_DATE, "2026-03-31T17:00:00", "2026-04-01T16:59:59", False),
    ],
)
def test_local_days_are_those_of_the_time_zone(profile: Profile, term: str, outcome: str, expected: bool) -> None:
    def micros_of(text: str) -> int:
        return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))

    ended = Facts(case_kind="dossier", outcome="resolved", term=micros_of(term), outcome_at=micros_of(outcome))
    assert on_time(ended, profile) is expected
    same_day = local_date(micros_of(term), profile) == local_date(micros_of(outcome), profile)
    assert same_day is expected


@pytest.mark.parametrize(
    ("method", "amount", "refunded", "counted"),
    [
        ("online", 50_000, None, 1),
        ("online", 50_000, 49_999, 1),
        ("online", 50_000, 50_000, 0),
        ("online", 50_000, 60_000, 0),
        ("online", 0, None, 1),
        ("cash", 50_000, None, 0),
        ("transfer", 50_000, None, 0),
    ],
)
def test_a_fee_is_paid_online_unless_it_was_given_back_whole(
    method: str, amount: int, refunded: int | None, counted: int
) -> None:
    history: list[Event] = [
        FEE,
        said(Paid, "2026-03-04 09:00", transaction="T1", amount=amount, method=method),
    ]
    if refunded is not None:
        history.append(said(Refunded, "2026-03-05 09:00", transaction="T1", amount=refunded))
    assert counts(*history)[window("2026-03-02 08:00")].get("fee_paid_online", 0) == counted


def test_a_fee_paid_online_twice_is_one_paid_dossier_also_when_one_is_given_back() -> None:
    twice = [said(Paid, "2026-03-04 09:00", transaction=t, amount=5, method="online") for t in ("T1", "T2")]
    refunded = said(Refunded, "2026-03-05 09:00", transaction="T1", amount=5)
    assert counts(FEE, *twice)[window("2026-03-02 08:00")]["fee_paid_online"] == 1
    assert counts(FEE, *twice, refunded)[window("2026-03-02 08:00")]["fee_paid_online"] == 1


def test_without_a_fee_a_payment_makes_nobody_pay_it_online() -> None:
    paid = said(Paid, "2026-03-04 09:00", transaction="T1", amount=5, method="online")
    assert "fee_paid_online" not in total(counts(RECEIVED, paid))


def added(before: Contributions, change: Contributions) -> Contributions:
    """The contributions after this difference; what is nought is not there."""
    found: Contributions = {}
    for window in before.keys() | change.keys():
        old, new = before.get(window, {}), change.get(window, {})
        sums = {name: old.get(name, 0) + new.get(name, 0) for name in old.keys() | new.keys()}
        if kept := {name: amount for name, amount in sums.items() if amount}:
            found[window] = kept
    return found


@settings(max_examples=sized(10, 200))
@given(one=HISTORIES, other=HISTORIES, profile=st.sampled_from((INSTANT, DATE)))
def test_a_difference_leads_from_one_to_the_other(one: list[AnyEvent], other: list[AnyEvent], profile: Profile) -> None:
    before, after = counts(*one, profile=profile), counts(*other, profile=profile)
    change = difference(after, before)
    assert added(before, change) == after
    assert all(amount for counters in change.values() for amount in counters.values())
    assert difference(before, before) == {}


@pytest.mark.slow
@settings(max_examples=sized(10, 200))
@given(history=HISTORIES, random=st.randoms(use_true_random=False), profile=st.sampled_from((INSTANT, DATE)))
def test_the_differences_of_any_order_add_up_to_the_same_counts(
    history: list[AnyEvent], random: Random, profile: Profile
) -> None:
    random.shuffle(history)
    states = [Facts()] + [facts(*history[: n + 1]) for n in range(len(history))]
    summed: Contributions = {}
    for before, after in pairwise(states):
        summed = added(summed, difference(contributions(after, profile), contributions(before, profile)))
    assert summed == counts(*history, profile=profile)
