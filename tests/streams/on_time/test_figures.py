import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Channel
from streams.on_time.figures import FormLine, form_line, kept
from streams.on_time.history import History
from streams.on_time.period import InPeriod, in_period
from streams.on_time.rules import DECISION_766, REPORT_FORM, Rule
from tests.streams.on_time.lives import USUAL, moments
from tests.streams.on_time.test_verdicts import histories
from tests.streams.on_time.told import micros, told
from tests.thorough import sized

MARCH = micros("2026-03-01 00:00"), micros("2026-04-01 00:00")
DOSSIERS: list[tuple[Channel, str, str, str]] = [
    ("online", "2026-03-02 09:00", "3 working days", "resolved 2026-03-04 10:00"),
    ("online", "2026-03-02 09:00", "3 working days", "resolved 2026-03-05 10:00"),
    ("direct", "2026-03-02 09:00", "3 working days", "resolved 2026-03-06 10:00"),
    ("postal", "2026-03-30 09:00", "3 working days", ""),
    ("direct", "2026-03-25 09:00", "3 working days", ""),
    ("direct", "2026-03-25 09:00", "3 working days", "supplement requested 2026-03-27 09:00"),
    ("direct", "2026-02-26 09:00", "3 working days", "withdrawn 2026-03-30 09:00"),
    ("online", "2026-02-26 09:00", "3 working days", "resolved 2026-02-27 09:00"),
    ("online", "2026-04-01 09:00", "3 working days", ""),
]
"""Two of them do not belong to March: one had ended, one was not received yet."""


def of_march(rule: Rule) -> list[tuple[Channel, InPeriod]]:
    found = [(channel, in_period(rule, told(*dossier), *MARCH, USUAL)) for channel, *dossier in DOSSIERS]
    return [(channel, each) for channel, each in found if each]


def test_a_line_of_the_form() -> None:
    line = form_line(of_march(REPORT_FORM))
    assert line == FormLine(online=2, otherwise=4, carried_over=1, early=1, on_time=3, late=1, in_term=1, overdue=1)
    assert (line.received, line.resolved, line.in_process) == (7, 5, 2)


def test_progress_by_decision_766_counts_what_is_open() -> None:
    # Late are the one resolved on 6 March and the withdrawal, overdue is the one whose term was 30 March.
    assert kept(found for _, found in of_march(DECISION_766)) == (4, 7)


def test_without_dossiers_there_is_nothing() -> None:
    assert kept([]) == (0, 0)
    assert form_line([]).received == 0


CHANNELS: st.SearchStrategy[Channel] = st.sampled_from(("direct", "online", "postal"))


@pytest.mark.slow
@given(lives=st.lists(st.tuples(CHANNELS, histories()), max_size=5), start=moments(), end=moments())
@settings(max_examples=sized(30, 3_000))
def test_what_was_received_is_resolved_or_in_process(
    lives: list[tuple[Channel, History]], start: int, end: int
) -> None:
    start, end = min(start, end), max(start, end) + 1
    found = [(channel, in_period(REPORT_FORM, history, start, end, USUAL)) for channel, history in lives]
    line = form_line((channel, each) for channel, each in found if each)
    assert line.received == line.resolved + line.in_process
