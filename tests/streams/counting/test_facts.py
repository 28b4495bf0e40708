from typing import Any

import pytest

from schemas.events import (
    Amended,
    Assigned,
    Digitised,
    Event,
    Extended,
    FeedbackAnswered,
    FeedbackReceived,
    ObligationMet,
    ObligationSet,
    Paid,
    Paused,
    Progressed,
    Rated,
    Received,
    Refunded,
    Refused,
    Reopened,
    Resolved,
    Resumed,
    Returned,
    Stopped,
    SupplementAnswered,
    SupplementRequested,
    TermSet,
    Transferred,
    Voided,
    Withdrawn,
)
from streams.counting.facts import Facts, Payment, Refund
from tests.streams.cases import at, facts, micros, said

RECEIVED = said(Received, "2026-03-02 08:00", agency="H01", channel="online", procedure="P1", fee_bearing=True)
RESOLVED = said(Resolved, "2026-03-09 16:00", e_result=True)


def test_without_events_nothing_is_known() -> None:
    assert facts() == Facts()
    assert not facts().is_open


def test_a_reception_opens_a_dossier() -> None:
    found = facts(RECEIVED)
    assert (found.case_kind, found.agency, found.receiver, found.channel) == ("dossier", "H01", "", "online")
    assert (found.procedure, found.fee_bearing, found.received_at) == ("P1", True, micros("2026-03-02 08:00"))
    assert found.is_open


def test_the_receiver_is_kept_beside_the_agency() -> None:
    found = facts(said(Received, "2026-03-02 08:00", agency="H01", receiver="One-stop 5"))
    assert (found.agency, found.receiver) == ("H01", "One-stop 5")


def test_what_comes_before_the_reception_waits_for_it() -> None:
    assert facts(RESOLVED).case_kind == ""
    assert not facts(RESOLVED).is_open
    assert facts(RESOLVED, RECEIVED) == facts(RECEIVED, RESOLVED)


def test_the_original_term_stays_and_the_highest_extension_is_current() -> None:
    found = facts(
        RECEIVED,
        said(TermSet, "2026-03-02 08:01", term=at("2026-03-10 17:00")),
        said(Extended, "2026-03-15 09:00", number=2, term=at("2026-03-20 17:00"), apology=True),
        said(Extended, "2026-03-09 09:00", number=1, term=at("2026-03-31 17:00"), apology=False),
    )
    assert found.term_original == micros("2026-03-10 17:00")
    assert found.term == micros("2026-03-20 17:00")
    assert found.extended_at == (micros("2026-03-09 09:00"), micros("2026-03-15 09:00"))
    assert found.apologies == 1


def test_the_tenth_extension_comes_after_the_ninth() -> None:
    found = facts(
        *(said(Extended, f"2026-03-{n:02} 09:00", number=n, term=at(f"2026-04-{n:02} 17:00")) for n in range(1, 11))
    )
    assert found.term == micros("2026-04-10 17:00")
    assert found.extended_at == tuple(micros(f"2026-03-{n:02} 09:00") for n in range(1, 11))


def test_an_extension_alone_gives_a_term_but_no_original() -> None:
    found = facts(RECEIVED, said(Extended, "2026-03-09 09:00", term=at("2026-03-20 17:00")))
    assert (found.term_original, found.term) == (None, micros("2026-03-20 17:00"))


def test_a_corrected_term_replaces_the_original() -> None:
    first = said(TermSet, "2026-03-02 08:01", term=at("2026-03-10 17:00"))
    corrected = said(TermSet, "2026-03-02 08:01", term=at("2026-03-12 17:00"), recorded_at=at("2026-03-03 08:00"))
    for history in ((first, corrected), (corrected, first)):
        assert facts(RECEIVED, *history).term_original == micros("2026-03-12 17:00")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("agency", "H02", "H02"),
        ("channel", "postal", "postal"),
        ("procedure", "P2", "P2"),
        ("received_at", at("2026-03-01 07:00"), micros("2026-03-01 07:00")),
        ("fee_bearing", False, False),
    ],
)
def test_an_amended_field_replaces_that_of_the_reception_and_no_other(field: str, value: Any, expected: Any) -> None:
    amended = facts(RECEIVED, said(Amended, "2026-03-03 08:00", **{field: value}))
    assert getattr(amended, field) == expected
    others = [name for name in Facts.__struct_fields__ if name != field]
    assert [getattr(amended, name) for name in others] == [getattr(facts(RECEIVED), name) for name in others]


def test_a_reception_recorded_after_the_amendment_holds_again() -> None:
    amended = said(Amended, "2026-03-03 08:00", channel="postal")
    again = said(Received, "2026-03-02 08:00", agency="H01", channel="direct", recorded_at=at("2026-03-04 08:00"))
    assert facts(RECEIVED, amended, again).channel == "direct"
    assert facts(again, amended, RECEIVED).channel == "direct"


def test_amendments_of_two_fields_hold_beside_each_other() -> None:
    found = facts(
        RECEIVED,
        said(Amended, "2026-03-03 08:00", channel="postal"),
        said(Amended, "2026-03-04 08:00", procedure="P2"),
    )
    assert (found.channel, found.procedure) == ("postal", "P2")


def test_an_assignment_beats_the_agency_of_the_reception_however_late_that_is() -> None:
    assigned = said(Assigned, "2026-03-02 09:00", agency="H02")
    later = said(Received, "2026-03-02 08:00", agency="H03", recorded_at=at("2026-03-05 08:00"))
    assert facts(RECEIVED, assigned).agency == "H02"
    assert facts(RECEIVED, assigned, later, said(Amended, "2026-03-06 08:00", agency="H04")).agency == "H02"


def test_a_transfer_and_an_assignment_replace_each_other() -> None:
    assigned = said(Assigned, "2026-03-02 09:00", agency="H02")
    transferred = said(Transferred, "2026-03-03 09:00", agency="H03", previous_agency="H02")
    assert facts(RECEIVED, assigned, transferred).agency == "H03"
    assert facts(RECEIVED, transferred, said(Assigned, "2026-03-04 09:00", agency="H04")).agency == "H04"


SUSPENSIONS = [
    ("supplement", SupplementRequested, SupplementAnswered),
    ("obligation", ObligationSet, ObligationMet),
    ("pause", Paused, Resumed),
]


@pytest.mark.parametrize(("name", "start", "end"), SUSPENSIONS, ids=[name for name, *_ in SUSPENSIONS])
def test_what_was_begun_suspends_until_the_end_of_the_same_number(
    name: str, start: type[Event], end: type[Event]
) -> None:
    first, second = said(start, "2026-03-03 09:00", number=1), said(start, "2026-03-05 09:00", number=2)
    begun = facts(RECEIVED, first, second)
    assert (begun.suspension, begun.suspended_at) == (name, micros("2026-03-03 09:00"))
    assert begun.is_open
    half = facts(RECEIVED, first, second, said(end, "2026-03-06 09:00", number=1))
    assert (half.suspension, half.suspended_at) == (name, micros("2026-03-05 09:00"))
    ends = [said(end, "2026-03-06 09:00", number=1), said(end, "2026-03-07 09:00", number=2)]
    over = facts(*ends, RECEIVED, first, second)
    assert (over.suspension, over.suspended_at) == ("", None)


def test_of_several_suspensions_the_earliest_shows() -> None:
    found = facts(RECEIVED, said(Paused, "2026-03-05 09:00"), said(SupplementRequested, "2026-03-04 09:00", number=3))
    assert (found.suspension, found.suspended_at) == ("supplement", micros("2026-03-04 09:00"))


def test_requests_for_supplements_are_kept_when_answered() -> None:
    requested = [said(SupplementRequested, f"2026-03-0{n} 09:00", number=n) for n in (3, 4)]
    found = facts(RECEIVED, *requested, said(SupplementAnswered, "2026-03-05 09:00", number=3))
    assert found.supplement_requested_at == (micros("2026-03-03 09:00"), micros("2026-03-04 09:00"))


def test_the_latest_step_is_the_progress() -> None:
    found = facts(
        RECEIVED,
        said(Progressed, "2026-03-04 09:00", step="appraisal", unit="Office 2", official="CB-2"),
        said(Progressed, "2026-03-03 09:00", step="intake", official="CB-1"),
        said(Assigned, "2026-03-05 09:00", agency="H02", official="CB-3"),
    )
    assert (found.step, found.unit, found.step_at) == ("appraisal", "Office 2", micros("2026-03-04 09:00"))
    assert found.official == "CB-2"
    assert facts(RECEIVED, said(Progressed, "2026-03-04 09:00", step="appraisal")).official == ""


def test_a_result_ends_the_dossier() -> None:
    found = facts(RECEIVED, RESOLVED)
    assert (found.outcome, found.outcome_at, found.electronic_result) == ("resolved", micros("2026-03-09 16:00"), True)
    assert found.returned_at is None
    assert not found.is_open


def test_a_return_implies_a_result_that_was_not_reported() -> None:
    found = facts(RECEIVED, said(Returned, "2026-03-10 08:00"))
    assert (found.outcome, found.outcome_at, found.returned_at) == ("resolved", *[micros("2026-03-10 08:00")] * 2)
    assert not found.electronic_result


def test_a_result_reported_after_its_return_keeps_its_own_time() -> None:
    found = facts(RECEIVED, said(Returned, "2026-03-10 08:00"), RESOLVED)
    assert (found.outcome_at, found.returned_at) == (micros("2026-03-09 16:00"), micros("2026-03-10 08:00"))


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(Withdrawn, "withdrawn"), (Refused, "refused"), (Stopped, "stopped")],
    ids=lambda kind: str(kind),
)
def test_a_dossier_may_end_without_a_result(kind: type[Event], outcome: str) -> None:
    found = facts(RECEIVED, said(kind, "2026-03-04 09:00", reason="incomplete"))
    assert (found.outcome, found.outcome_at) == (outcome, micros("2026-03-04 09:00"))
    assert not found.electronic_result
    assert not found.is_open


def test_a_reopened_dossier_is_open_until_its_next_outcome() -> None:
    reopened = said(Reopened, "2026-03-10 08:00")
    found = facts(RECEIVED, RESOLVED, reopened)
    assert (found.outcome, found.outcome_at, found.electronic_result) == ("", None, False)
    assert found.is_open
    assert facts(RECEIVED, RESOLVED, reopened, said(Refused, "2026-03-11 08:00")).outcome == "refused"


def test_only_a_result_handed_over_after_the_reopening_resolves_it_again() -> None:
    reopened = said(Reopened, "2026-03-10 08:00")
    before, after = said(Returned, "2026-03-09 16:00"), said(Returned, "2026-03-12 16:00")
    assert facts(RECEIVED, RESOLVED, before, reopened).is_open
    again = facts(RECEIVED, RESOLVED, before, reopened, after)
    assert (again.outcome, again.outcome_at) == ("resolved", micros("2026-03-12 16:00"))


def test_a_result_taken_back_before_it_is_reported_stays_taken_back() -> None:
    assert facts(RECEIVED, said(Reopened, "2026-03-10 08:00"), RESOLVED).is_open


def test_a_voided_case_is_not_open_and_can_be_taken_back() -> None:
    voided = said(Voided, "2026-03-03 08:00", reason="twice")
    assert facts(RECEIVED, voided).voided
    assert not facts(RECEIVED, voided).is_open
    back = said(Voided, "2026-03-04 08:00", voided=False)
    assert facts(back, voided, RECEIVED) == facts(RECEIVED)


def test_payments_know_what_was_given_back_of_each() -> None:
    found = facts(
        RECEIVED,
        said(Paid, "2026-03-03 09:00", transaction="T1", amount=50_000, method="online", gateway="PayGov"),
        said(Paid, "2026-03-04 09:00", transaction="T2", amount=20_000, method="cash"),
        said(Refunded, "2026-03-05 09:00", transaction="T1", amount=10_000),
    )
    assert found.payments == (
        Payment(micros("2026-03-03 09:00"), 50_000, True, 10_000),
        Payment(micros("2026-03-04 09:00"), 20_000, False, 0),
    )
    assert found.refunds == (Refund(micros("2026-03-05 09:00"), 10_000),)


def test_a_refund_may_come_before_its_payment() -> None:
    refunded = said(Refunded, "2026-03-05 09:00", transaction="T1", amount=10_000)
    assert facts(RECEIVED, refunded).payments == ()
    assert facts(RECEIVED, refunded).refunds == (Refund(micros("2026-03-05 09:00"), 10_000),)
    paid = said(Paid, "2026-03-03 09:00", transaction="T1", amount=50_000, method="online")
    assert facts(RECEIVED, refunded, paid).payments == (Payment(micros("2026-03-03 09:00"), 50_000, True, 10_000),)


def test_a_payment_reported_twice_is_one_and_its_correction_replaces_it() -> None:
    reported = said(Paid, "2026-03-03 09:00", transaction="T1", amount=50_000, method="online")
    corrected = said(
        Paid, "2026-03-03 09:00", transaction="T1", amount=60_000, method="cash", recorded_at=at("2026-03-04 09:00")
    )
    assert facts(RECEIVED, reported, reported, corrected).payments == (
        Payment(micros("2026-03-03 09:00"), 60_000, False, 0),
    )


@pytest.mark.parametrize("transaction", ["7", "a:b", ":", "payment:7", "Mã 1"])
def test_any_transaction_id_will_do(transaction: str) -> None:
    found = facts(
        RECEIVED,
        said(Paid, "2026-03-03 09:00", transaction=transaction, amount=5, method="cash"),
        said(Refunded, "2026-03-04 09:00", transaction=transaction, amount=3),
    )
    assert found.payments == (Payment(micros("2026-03-03 09:00"), 5, False, 3),)
    assert (found.extended_at, found.suspension) == ((), "")


def test_digitisation_is_the_last_that_was_recorded() -> None:
    found = facts(
        RECEIVED,
        said(Digitised, "2026-03-04 09:00", components=5, digitised=4, reused=1),
        said(Digitised, "2026-03-03 09:00", components=9, digitised=9, reused=9),
    )
    assert (found.components, found.components_digitised, found.components_reused) == (5, 4, 1)
    assert found.digitised_at == micros("2026-03-04 09:00")


@pytest.mark.parametrize(("score", "expected"), [(None, 0), (5, 5)])
def test_a_rating_may_have_a_score(score: int | None, expected: int) -> None:
    found = facts(RECEIVED, said(Rated, "2026-03-12 09:00", satisfied=True, score=score))
    assert (found.rated_at, found.satisfied, found.score) == (micros("2026-03-12 09:00"), True, expected)


def test_a_feedback_is_a_case_of_its_own_and_ends_with_its_answer() -> None:
    received = said(FeedbackReceived, "2026-03-02 08:00", agency="H01", channel="online")
    found = facts(received, said(TermSet, "2026-03-02 08:00", term=at("2026-03-12 17:00")))
    assert (found.case_kind, found.agency, found.channel, found.procedure) == ("feedback", "H01", "online", "")
    assert found.is_open
    answered = facts(received, said(FeedbackAnswered, "2026-03-05 08:00"))
    assert (answered.outcome, answered.outcome_at) == ("answered", micros("2026-03-05 08:00"))
    assert not answered.electronic_result
    assert not answered.is_open
