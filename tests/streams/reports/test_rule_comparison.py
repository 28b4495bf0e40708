"""Two ways of judging, side by side: cases whose difference is known by heart."""

from collections.abc import Iterator

from msgspec import structs

from streams.counting.judged_case import StoredCase
from streams.counting.registers import merged, pack
from streams.on_time.promise import Promise
from streams.on_time.ruling import Ruling, built_in_ruling
from streams.reports.notable_cases import notables
from streams.reports.rule_comparison import Comparison, Side, compare
from streams.reports.stored_cases import Period
from tests.streams.on_time.lives import UNUSUAL
from tests.streams.on_time.told import events_in, micros, promise_in

USUAL = built_in_ruling()
MARCH = Period(micros("2026-03-01 00:00"), micros("2026-04-01 00:00"))
STORIES = (
    ("A", "H01", "2026-03-02 09:00", "resolved 2026-03-04 15:00"),  # in time by each rule
    ("B", "H01", "2026-03-02 09:00", "resolved 2026-03-05 16:30"),  # the right day, the wrong hour
    ("C", "H02", "2026-02-20 09:00", "resolved 2026-03-27 10:00"),  # late by each, carried over
    ("D", "H02", "2026-03-27 09:00", ""),  # in term at the end of March
    ("E", "H02", "2026-04-02 09:00", ""),  # after the period
)


def stored() -> Iterator[StoredCase]:
    for name, agency, received, events in STORIES:
        yield StoredCase(name, agency, "P", pack(merged(events_in(received, events))))


def ruling(promise: Promise | None, base: Ruling = USUAL) -> Ruling:
    return structs.replace(base, promise_of=lambda *_: promise)


PROMISING = ruling(promise_in("3 working days"))
BY_INSTANT = Side("instant", PROMISING, lambda case: case.rule("instant"))
BY_DATE = Side("date", PROMISING, lambda case: case.rule("date"))


def figures(found: Comparison, agency: str) -> list[tuple[int, ...]]:
    return [structs.astuple(side) for side in found.agencies[agency]]


def test_a_dossier_of_the_right_day_changes_sides() -> None:
    found = compare(stored(), BY_INSTANT, BY_DATE, MARCH, 10)
    # received, carried over, early, on time, late, in term, overdue
    assert figures(found, "H01") == [(2, 0, 0, 1, 1, 0, 0), (2, 0, 0, 2, 0, 0, 0)]
    assert figures(found, "H02") == [(1, 1, 0, 0, 1, 1, 0)] * 2
    assert (found.worse, found.better) == (0, 1)
    (change,) = found.changes
    assert (change.dossier, change.one.standing, change.other.standing) == ("B", "late", "on time")
    assert (change.one.rule, change.one.reason, change.one.term) == (
        "instant v2",
        "compared",
        micros("2026-03-05 09:00"),
    )
    assert change.other.deadline == micros("2026-03-05 24:00")
    assert found.agencies["H01"][0].rate == 0.5


def test_another_catalogue_changes_sides_the_other_way() -> None:
    shorter = Side("loaded", ruling(promise_in("1 working day")), BY_DATE.version_of)
    found = compare(stored(), BY_DATE, shorter, MARCH, 1)
    assert (found.worse, found.better) == (3, 0)
    assert [change.dossier for change in found.changes] == ["A"], "a limit keeps the first"


def test_a_calendar_with_saturdays_makes_terms_end_earlier() -> None:
    worked = structs.replace(PROMISING, calendar_of=lambda _: UNUSUAL)
    found = compare(stored(), BY_INSTANT, Side("loaded", worked, BY_INSTANT.version_of), MARCH, 10)
    (change,) = found.changes
    # Three working days from Friday 27 March: half of one was worked on Saturday.
    assert (change.dossier, change.one.standing, change.other.standing) == ("D", "in term", "overdue")
    assert (change.one.deadline, change.other.deadline) == (micros("2026-04-01 09:00"), micros("2026-03-31 14:00"))


def test_progress_is_told_of_each_case_and_may_stop() -> None:
    told: list[int] = []
    compare(stored(), BY_INSTANT, BY_DATE, MARCH, 0, told.append)
    assert told == [1, 2, 3, 4, 5]


def test_what_people_ask_about_is_counted_by_agency() -> None:
    found = notables(stored(), PROMISING, "instant", MARCH, 1)
    assert {agency: dict(counts) for agency, counts in found.counts.items()} == {
        "H01": {"late without apology": 1},
        "H02": {"late without apology": 1},
    }
    assert (found.total, [case.dossier for case in found.cases]) == (2, ["B"])
    assert notables(stored(), PROMISING, "instant", MARCH, 9, only="extended after the term").total == 0


def test_an_unjudged_case_is_passed_over() -> None:
    void = StoredCase("V", "H01", "P", pack({}))
    assert compare([void], BY_INSTANT, BY_DATE, MARCH, 9).agencies == {}
