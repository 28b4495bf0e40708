"""What holds of verdicts whatever happened; terms.csv has the examples."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas import events as kinds
from schemas.instant import LATEST, to_micros
from streams.counting.case_history import history_of
from streams.counting.registers import merged
from streams.on_time.clock_stops import Stop
from streams.on_time.history import History
from streams.on_time.notable import notable_at
from streams.on_time.rules import DATE, DATE_AS_SENT, DECISION_766, INSTANT, INSTANT_AS_SENT, REPORT_FORM, RULES, Rule
from streams.on_time.verdicts import Verdict, judge
from tests.streams.on_time.lives import USUAL, lives, moments, promises
from tests.streams.on_time.told import at as local
from tests.streams.on_time.told import micros, told
from tests.thorough import sized

LONG_AFTER = micros("2030-01-01 00:00")
LAST = to_micros(LATEST) - 1


@st.composite
def histories(draw: st.DrawFn) -> History:
    promise = draw(promises())
    history = history_of(merged(draw(lives())), USUAL, lambda *_: promise)
    assert history is not None
    return history


def open_ones() -> st.SearchStrategy[History]:
    return histories().map(lambda history: structs.replace(history, outcome="", outcome_at=None, returned_at=None))


def ended_ones() -> st.SearchStrategy[History]:
    outcomes = st.sampled_from(("resolved", "withdrawn", "refused", "stopped"))
    return st.builds(
        lambda history, outcome, at: structs.replace(history, outcome=outcome, outcome_at=at),
        histories(),
        outcomes,
        moments(),
    )


def verdict(rule: Rule, history: History, at: int) -> Verdict:
    found = judge(rule, history, at, USUAL)
    assert found is not None
    return found


@pytest.mark.slow
@given(history=histories(), at=moments())
@settings(max_examples=sized(60, 10_000))
def test_on_time_by_the_instant_is_on_time_by_date(history: History, at: int) -> None:
    at = max(at, history.received_at)
    assert not verdict(INSTANT, history, at).is_good or verdict(DATE, history, at).is_good


@pytest.mark.slow
@given(history=open_ones(), at=moments())
@settings(max_examples=sized(60, 10_000))
def test_an_open_case_is_overdue_exactly_if_it_would_be_late_were_it_to_end(history: History, at: int) -> None:
    at = max(at, history.received_at)
    ending = structs.replace(history, outcome="resolved", outcome_at=at)
    for rule in RULES:
        found = verdict(rule, history, at)
        if found.reason not in ("unanswered supplement", "waiting for supplements"):
            assert found.is_good == verdict(rule, ending, at).is_good, rule.name


@pytest.mark.slow
@given(history=open_ones(), at=moments(), later=moments())
@settings(max_examples=sized(60, 10_000))
def test_what_is_overdue_stays_so_until_it_ends_or_a_new_term_is_sent(history: History, at: int, later: int) -> None:
    sent = [extension.appointment for extension in history.extensions]
    sent += [history.appointment] if history.appointment else []
    at = max([at, history.received_at, *(each.at for each in sent)])
    for rule in (INSTANT, DATE, INSTANT_AS_SENT, DATE_AS_SENT):
        assert verdict(rule, history, at).is_good or not verdict(rule, history, max(at, later)).is_good, rule.name


@pytest.mark.slow
@given(history=ended_ones(), at=moments(), later=moments())
@settings(max_examples=sized(60, 10_000))
def test_after_its_end_nothing_changes_a_verdict(history: History, at: int, later: int) -> None:
    assert history.outcome_at is not None
    at = max(at, history.received_at, history.outcome_at)
    for rule in (INSTANT, DATE, REPORT_FORM):
        assert verdict(rule, history, at) == verdict(rule, history, max(at, later))


@pytest.mark.slow
@given(history=open_ones(), at=moments(), start=moments(), end=st.none() | moments())
@settings(max_examples=sized(60, 10_000))
def test_one_more_stop_makes_no_case_late(history: History, at: int, start: int, end: int | None) -> None:
    at = max(at, history.received_at)
    longer = structs.replace(history, stops=(*history.stops, Stop("pause", start, end)))
    for rule in RULES:
        assert not verdict(rule, history, at).is_good or verdict(rule, longer, at).is_good, rule.name


@pytest.mark.slow
@given(history=histories(), at=moments())
@settings(max_examples=sized(60, 10_000))
def test_only_ended_cases_are_early_on_time_or_late(history: History, at: int) -> None:
    at = max(at, history.received_at)
    for rule in RULES:
        found = verdict(rule, history, at)
        if found.reason != "waiting for supplements":
            assert (found.standing in ("early", "on time", "late")) == history.has_ended(at)
        assert found.overdue_after is None or at <= found.overdue_after


def test_nothing_is_judged_before_its_reception() -> None:
    history = told("2026-03-10 09:00", "3 working days", "")
    assert all(judge(rule, history, history.received_at - 1, USUAL) is None for rule in RULES)
    assert all(judge(rule, history, history.received_at, USUAL) for rule in RULES)


def test_a_feedback_is_judged_by_its_term_and_not_by_the_rules_of_dossiers() -> None:
    received = kinds.FeedbackReceived(
        id="1", dossier="F", source="s", occurred_at=local("2026-03-02 09:00"), agency="H"
    )
    answered = kinds.FeedbackAnswered(id="2", dossier="F", source="s", occurred_at=local("2026-03-10 16:00"))
    appointed = kinds.TermSet(
        id="3", dossier="F", source="s", occurred_at=local("2026-03-02 09:00"), term=local("2026-03-10 15:00")
    )
    history = history_of(merged([received, answered, appointed]), USUAL)
    assert history is not None
    assert [(found := judge(rule, history, LONG_AFTER, USUAL)) and found.standing for rule in RULES] == [
        "late",
        "on time",
        None,
        None,
    ]


SECOND = (
    "supplement requested 2026-03-03 09:00; supplement handed in 2026-03-04 09:00; "
    "second supplement requested 2026-03-05 09:00; second supplement handed in 2026-03-06 09:00; "
    "resolved 2026-03-18 10:00"
)


@pytest.mark.parametrize(("late_from", "standing"), [(2, "late"), (3, "on time"), (0, "on time"), (1, "late")])
def test_which_request_for_supplements_is_one_too_many_can_be_chosen(late_from: int, standing: str) -> None:
    rule = structs.replace(DECISION_766, late_from_supplement=late_from)
    assert verdict(rule, told("2026-03-02 09:00", "10 working days", SECOND), LONG_AFTER).standing == standing


def test_a_verdict_tells_what_was_compared() -> None:
    history = told(
        "2026-03-02 09:00", "5 working days", "supplement requested 2026-03-05 09:00; refused 2026-04-10 09:00"
    )
    found = verdict(DECISION_766, history, LONG_AFTER)
    assert (found.reason, found.measured_at) == ("unanswered supplement", micros("2026-03-05 09:00"))
    assert (found.term, found.deadline) == (micros("2026-03-09 09:00"), micros("2026-03-09 24:00"))


def test_an_answer_that_is_still_to_come_is_none() -> None:
    events = "supplement requested 2026-03-05 09:00; supplement handed in 2026-03-20 09:00"
    history = told("2026-03-02 09:00", "5 working days", events)
    before, after = (
        verdict(DECISION_766, history, micros("2026-03-20 08:59")),
        verdict(DECISION_766, history, micros("2026-03-20 09:00")),
    )
    assert (before.reason, before.measured_at) == ("unanswered supplement", micros("2026-03-05 09:00"))
    assert (after.reason, after.measured_at) == ("compared", micros("2026-03-20 09:00"))


def test_a_clock_that_stands_says_so_unless_the_term_had_passed() -> None:
    asked = told("2026-03-02 09:00", "2 working days", "paused 2026-03-03 09:00; resumed 2026-03-20 09:00")
    late = told("2026-03-02 09:00", "2 working days", "paused 2026-03-05 09:00")
    at = micros("2026-03-10 09:00")
    assert (verdict(INSTANT, asked, at).is_stopped, verdict(INSTANT, asked, at).overdue_after) == (True, None)
    assert (verdict(INSTANT, late, at).is_stopped, verdict(INSTANT, late, at).standing) == (False, "overdue")
    runs_again = verdict(INSTANT, asked, micros("2026-03-20 09:00"))
    assert (runs_again.is_stopped, runs_again.overdue_after) == (False, micros("2026-03-23 09:00"))


def test_an_apology_made_later_does_not_help_before() -> None:
    events = "appointed for 2026-03-04 17:00; extended 2026-03-10 09:00 to 2026-03-11 17:00 with apology"
    history = told("2026-03-02 09:00", "", events)
    found = [
        "late without apology" in notable_at(history, micros(at), INSTANT, USUAL)
        for at in ("2026-03-04 17:00", "2026-03-09 09:00", "2026-03-10 10:00", "2026-03-12 09:00")
    ]
    assert found == [False, True, False, False]


@pytest.mark.parametrize(
    "at", ["2000-01-01 07:00", "2099-12-31 23:00", "2100-01-01 06:59"], ids=["first", "last", "beyond the calendar"]
)
def test_instants_at_the_ends_of_all_calendars_are_judged(at: str) -> None:
    first = told(
        "2000-01-01 07:00",
        "8 months",
        "supplement requested 2000-01-01 07:00; obligation set 2099-12-31 22:00; obligation met 2099-12-31 23:30",
    )
    last = told("2099-12-31 22:00", "3 working days", "paused 2099-12-31 22:30; appointed for 2100-01-01 06:00")
    for rule in RULES:
        for history in (first, last):
            for until in (micros(at), LAST):
                found = judge(rule, history, until, USUAL)
                assert found is None or until >= history.received_at
