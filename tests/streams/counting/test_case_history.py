import pytest

from schemas.events import (
    Amended,
    Event,
    Extended,
    ObligationMet,
    ObligationSet,
    Paused,
    Received,
    Resolved,
    Resumed,
    Returned,
    SupplementAnswered,
    SupplementRequested,
    TermSet,
    Voided,
)
from schemas.working_time.built_in import built_in_calendar
from schemas.working_time.duration import Duration
from streams.counting.case_history import history_of
from streams.on_time.clock_stops import Stop
from streams.on_time.history import Appointment, Extension, History
from streams.on_time.promise import Promise
from tests.streams.cases import at, joined, micros, said

CALENDAR = built_in_calendar()
RECEIVED = said(Received, "2026-03-02 08:00", agency="H01", channel="online", procedure="P1")


def test_a_reception_alone_is_a_history() -> None:
    assert history_of(joined(RECEIVED), CALENDAR) == History(received_at=micros("2026-03-02 08:00"))


def test_a_case_without_reception_and_a_void_one_have_none() -> None:
    assert history_of(joined(said(Resolved, "2026-03-02 08:00")), CALENDAR) is None
    assert history_of(joined(RECEIVED, said(Voided, "2026-03-03 08:00")), CALENDAR) is None


def test_a_term_holds_from_when_it_was_set_however_late_that_is_recorded() -> None:
    term = at("2026-03-10 17:00")
    appointed = said(TermSet, "2026-03-02 08:00", term=term, recorded_at=at("2026-03-05 00:00"))
    history = history_of(joined(RECEIVED, appointed), CALENDAR)
    assert history is not None
    assert history.appointment == Appointment(micros("2026-03-10 17:00"), micros("2026-03-02 08:00"))


@pytest.mark.parametrize(
    ("answered", "stops"),
    [
        ((), ()),
        ((said(SupplementAnswered, "2026-03-01 09:00"),), ()),
        ((said(SupplementAnswered, "2026-03-02 08:00"),), ()),
        (
            (said(SupplementAnswered, "2026-03-03 09:00"),),
            (Stop("supplement", micros("2026-03-02 08:00"), micros("2026-03-03 09:00")),),
        ),
    ],
    ids=["never answered", "answered before", "answered with the reception", "answered after"],
)
def test_the_reception_ends_what_was_asked_before_it(answered: tuple[Event, ...], stops: tuple[Stop, ...]) -> None:
    history = history_of(joined(said(SupplementRequested, "2026-02-27 08:00"), RECEIVED, *answered), CALENDAR)
    assert history is not None
    assert history.stops == stops


def test_a_stop_that_begins_with_the_reception_is_one() -> None:
    history = history_of(joined(RECEIVED, said(SupplementRequested, "2026-03-02 08:00")), CALENDAR)
    assert history is not None
    assert history.stops == (Stop("supplement", micros("2026-03-02 08:00")),)


def test_extensions_are_in_the_order_of_their_numbers() -> None:
    numbers = (10, 9, 2)
    extended = [
        said(Extended, f"2026-03-0{place} 08:00", number=number, term=at("2026-03-20 17:00"), apology=number == 9)
        for place, number in enumerate(numbers, 3)
    ]
    history = history_of(joined(RECEIVED, *extended), CALENDAR)
    assert history is not None
    assert [extension.appointment.at for extension in history.extensions] == [
        micros(f"2026-03-0{day} 08:00") for day in (5, 4, 3)
    ]
    assert [extension.apology for extension in history.extensions] == [False, True, False]
    assert isinstance(history.extensions[0], Extension)


def test_stops_end_with_the_answer_of_the_same_number() -> None:
    history = history_of(
        joined(
            said(Resumed, "2026-03-09 08:00", number=2),
            RECEIVED,
            said(SupplementRequested, "2026-03-03 08:00"),
            said(SupplementAnswered, "2026-03-04 08:00"),
            said(SupplementRequested, "2026-03-05 08:00", number=2),
            said(ObligationSet, "2026-03-06 08:00", amount=5),
            said(ObligationMet, "2026-03-07 08:00", number=2),
            said(Paused, "2026-03-08 08:00", number=2, reason="Niêm yết công khai"),
            said(Paused, "2026-03-08 09:00"),
        ),
        CALENDAR,
    )
    assert history is not None
    assert set(history.stops) == {
        Stop("supplement", micros("2026-03-03 08:00"), micros("2026-03-04 08:00")),
        Stop("supplement", micros("2026-03-05 08:00"), None),
        Stop("obligation", micros("2026-03-06 08:00"), None),
        Stop("land posting", micros("2026-03-08 08:00"), micros("2026-03-09 08:00")),
        Stop("pause", micros("2026-03-08 09:00"), None),
    }


def test_which_reasons_make_a_pause_a_posting_can_be_chosen() -> None:
    registers = joined(RECEIVED, said(Paused, "2026-03-08 09:00", reason="Niêm yết"))
    plain, chosen = history_of(registers, CALENDAR), history_of(registers, CALENDAR, posting_reasons={"niêm yết"})
    assert plain is not None
    assert chosen is not None
    assert (plain.stops[0].kind, chosen.stops[0].kind) == ("pause", "land posting")


def test_the_promise_is_that_of_the_amended_reception() -> None:
    amended = said(Amended, "2026-03-03 08:00", channel="postal", procedure="P2", received_at=at("2026-03-01 07:00"))
    asked: list[tuple[str, str, int]] = []

    def promises(procedure: str, channel: str, received_at: int) -> Promise:
        asked.append((procedure, channel, received_at))
        return Promise(Duration(3, "days"))

    history = history_of(joined(RECEIVED, amended), CALENDAR, promises)
    assert asked == [("P2", "postal", micros("2026-03-01 07:00"))]
    assert history is not None
    # 1 March is a Sunday: the days are counted after Monday.
    assert (history.computed, history.unit) == (micros("2026-03-05 17:00"), "days")


def test_the_end_is_that_of_the_facts() -> None:
    history = history_of(joined(RECEIVED, said(Returned, "2026-03-09 08:00")), CALENDAR)
    assert history is not None
    assert (history.outcome, history.outcome_at, history.returned_at) == ("resolved", *[micros("2026-03-09 08:00")] * 2)
