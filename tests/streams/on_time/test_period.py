import pytest
from hypothesis import given, settings

from streams.on_time.history import History
from streams.on_time.period import in_period
from streams.on_time.rules import DATE, INSTANT, REPORT_FORM, RULES
from tests.streams.on_time.lives import USUAL, moments
from tests.streams.on_time.test_verdicts import histories
from tests.streams.on_time.told import micros, told
from tests.thorough import sized

MARCH, APRIL, MAY = (micros(f"2026-{month}-01 00:00") for month in ("03", "04", "05"))


def test_a_dossier_belongs_to_each_period_in_which_it_was_open() -> None:
    history = told("2026-03-30 09:00", "5 working days", "resolved 2026-05-04 10:00")
    assert in_period(INSTANT, history, MARCH - 1, MARCH, USUAL) is None
    in_march = in_period(INSTANT, history, MARCH, APRIL, USUAL)
    assert in_march is not None
    assert (in_march.carried_over, in_march.has_ended, in_march.verdict.standing) == (False, False, "in term")
    in_april = in_period(INSTANT, history, APRIL, MAY, USUAL)
    assert in_april is not None
    assert (in_april.carried_over, in_april.has_ended, in_april.verdict.standing) == (True, False, "overdue")
    in_may = in_period(INSTANT, history, MAY, micros("2026-06-01 00:00"), USUAL)
    assert in_may is not None
    assert (in_may.carried_over, in_may.has_ended, in_may.verdict.standing) == (True, True, "late")
    assert in_period(INSTANT, history, micros("2026-06-01 00:00"), micros("2026-07-01 00:00"), USUAL) is None


def test_the_end_of_a_period_is_a_moment_of_its_last_day() -> None:
    history = told("2026-03-26 09:00", "", "appointed for 2026-03-31 17:00")
    found = [in_period(rule, history, MARCH, APRIL, USUAL) for rule in (INSTANT, DATE)]
    assert [each and each.verdict.standing for each in found] == ["overdue", "in term"]


def test_what_ends_with_the_first_instant_of_a_period_belongs_to_it() -> None:
    history = told("2026-03-26 09:00", "", "resolved 2026-04-01 00:00")
    before, after = (in_period(INSTANT, history, *period, USUAL) for period in ((MARCH, APRIL), (APRIL, MAY)))
    assert before is not None
    assert after is not None
    assert (before.has_ended, after.has_ended) == (False, True)


def test_what_waits_for_supplements_is_carried_over_although_the_form_counted_it_as_resolved() -> None:
    history = told("2026-03-26 09:00", "5 working days", "supplement requested 2026-03-30 09:00")
    march, april = (in_period(REPORT_FORM, history, *period, USUAL) for period in ((MARCH, APRIL), (APRIL, MAY)))
    assert march is not None
    assert april is not None
    assert march.verdict.standing == april.verdict.standing == "on time"
    assert (march.carried_over, april.carried_over) == (False, True)


@pytest.mark.slow
@given(history=histories(), first=moments(), second=moments(), third=moments())
@settings(max_examples=sized(60, 10_000))
def test_what_a_period_leaves_open_the_next_one_carries_over(
    history: History, first: int, second: int, third: int
) -> None:
    start, middle, end = sorted((first, second, third))
    end += 1
    for rule in RULES:
        before, after = (
            in_period(rule, history, start, middle, USUAL),
            in_period(rule, history, middle, end, USUAL),
        )
        left_open = middle > start and before is not None and not before.has_ended
        if left_open:
            assert after is not None
        if after is not None and after.carried_over and middle > start:
            assert left_open
