"""Late dossiers: each level is said once, and taken back when it no longer holds."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from msgspec import structs

from schemas.alerts import DEFAULT_LEVELS, Alert, parse_levels
from streams.alerts.overdue import Case, Grounds, StandingAlert, alerts_of

TERM = datetime(2026, 3, 12, 10, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
OPEN = Case("H01.2026.000001", "H01.12", "1.004194", "", TERM, TERM, NEVER)
RULE = "instant"


def grounds_of(case: Case) -> Grounds:
    return Grounds("instant v2", case.sent, "compared")


def alerts(case: Case, now: datetime, seq: int = 1, levels: str = DEFAULT_LEVELS) -> list[Alert]:
    """The alerts about a case whose agency works day and night: due soon is a day before the deadline."""
    soon = now + DAY if case.soon == NEVER else case.soon
    case = structs.replace(case, soon=soon)
    return list(alerts_of([case], parse_levels(levels), RULE, now, seq, grounds_of))


def standing(level: str) -> Case:
    return structs.replace(
        OPEN, standing=StandingAlert(level, OPEN.agency, OPEN.procedure, TERM, NEVER, "instant v2", TERM)
    )


def due(case: Case, term: datetime | None) -> Case:
    return structs.replace(case, sent=term, deadline=term)


def said(case: Case, now: datetime, levels: str = DEFAULT_LEVELS) -> list[tuple[str, str, str]]:
    return [(alert.state, alert.level, alert.why) for alert in alerts(case, now, levels=levels)]


def test_nothing_is_said_before_the_first_level() -> None:
    assert said(OPEN, TERM - 3 * DAY) == []


@pytest.mark.parametrize(
    ("now", "level"),
    [
        (TERM - 3 * DAY + MOMENT, "due-3d"),
        (TERM - DAY, "due-3d"),
        (TERM - DAY + MOMENT, "due-soon"),
        (TERM, "due-soon"),
        (TERM + MOMENT, "overdue"),
        (TERM + 3 * DAY + MOMENT, "overdue-3d"),
        (TERM + 900 * DAY, "overdue-3d"),
    ],
)
def test_only_the_most_urgent_level_is_raised(now: datetime, level: str) -> None:
    assert said(OPEN, now) == [("raised", level, "compared")]


def test_a_level_that_stands_is_not_raised_again() -> None:
    assert said(standing("overdue"), TERM + DAY) == []


def test_a_higher_level_takes_the_place_of_the_one_that_stands() -> None:
    assert said(standing("due-soon"), TERM + MOMENT) == [("raised", "overdue", "compared")]


def test_a_clock_that_went_back_takes_nothing_back() -> None:
    assert said(standing("overdue"), TERM - 2 * DAY) == []


@pytest.mark.parametrize("ended", ["resolved", "withdrawn", "refused", "stopped", "voided", "gone"])
def test_a_dossier_that_ended_clears_its_alert_and_gets_no_other(ended: str) -> None:
    assert said(structs.replace(standing("overdue"), ended=ended), TERM + 4 * DAY) == [("cleared", "overdue", ended)]
    assert said(structs.replace(OPEN, ended=ended), TERM + 4 * DAY) == []


def test_an_extension_clears_what_was_said_of_the_former_term() -> None:
    longer = due(standing("overdue"), TERM + 9 * DAY)
    assert said(longer, TERM + DAY) == [("cleared", "overdue", "term")]


def test_a_short_extension_is_already_near_its_end() -> None:
    longer = due(standing("overdue"), TERM + 2 * DAY)
    cleared, raised = alerts(longer, TERM + DAY / 2, 8)
    assert (cleared.seq, cleared.state, cleared.term) == (8, "cleared", TERM)
    assert (raised.seq, raised.level, raised.term) == (9, "due-3d", TERM + 2 * DAY)


def test_a_term_that_was_taken_away_clears() -> None:
    assert said(due(standing("overdue"), None), TERM) == [("cleared", "overdue", "term")]


def test_while_the_clock_stands_a_dossier_is_not_due() -> None:
    waiting = structs.replace(standing("due-soon"), deadline=None)
    assert said(waiting, TERM) == [("cleared", "due-soon", "waiting")]
    assert said(structs.replace(waiting, standing=None), TERM + 9 * DAY) == []


def test_a_stop_moves_the_deadline_and_what_was_said_of_it() -> None:
    moved = structs.replace(standing("due-soon"), deadline=TERM + 2 * DAY)
    assert said(moved, TERM + MOMENT) == [("cleared", "due-soon", "term"), ("raised", "due-3d", "compared")]


def test_due_soon_is_what_the_calendar_of_the_agency_says() -> None:
    soon_on_monday = structs.replace(OPEN, soon=TERM + MOMENT)
    assert said(soon_on_monday, TERM - 2 * DAY) == [("raised", "due-soon", "compared")]
    assert said(structs.replace(OPEN, soon=TERM), TERM - 2 * DAY) == [("raised", "due-3d", "compared")]


def test_an_alert_says_by_which_rule_and_deadline() -> None:
    (raised,) = alerts(structs.replace(OPEN, sent=TERM - DAY), TERM + MOMENT)
    assert (raised.rule, raised.term, raised.deadline) == ("instant v2", TERM - DAY, TERM)


def test_another_leading_rule_takes_the_place_of_the_former() -> None:
    case = standing("overdue")
    assert case.standing is not None
    former = structs.replace(case, standing=structs.replace(case.standing, rule="decision 766 v1"))
    assert said(former, TERM + DAY) == [("cleared", "overdue", "rule"), ("raised", "overdue", "compared")]


def test_an_alert_of_a_former_version_holds_while_its_term_does() -> None:
    case = standing("overdue")
    assert case.standing is not None
    former = structs.replace(case, standing=structs.replace(case.standing, rule="", deadline=None))
    assert said(structs.replace(former, deadline=TERM + DAY / 2), TERM + DAY) == []
    assert said(due(former, TERM + 9 * DAY), TERM + DAY) == [("cleared", "overdue", "term")]


def test_the_agency_that_takes_over_is_alerted_in_place_of_the_former() -> None:
    moved = structs.replace(standing("overdue"), agency="H01.13")
    cleared, raised = alerts(moved, TERM + DAY)
    assert (cleared.agency, cleared.state, cleared.why) == ("H01.12", "cleared", "agency")
    assert (raised.agency, raised.state, raised.level) == ("H01.13", "raised", "overdue")


def test_a_level_that_is_no_longer_used_gives_way() -> None:
    assert said(standing("due-3d"), TERM + MOMENT, "overdue") == [
        ("cleared", "due-3d", "levels"),
        ("raised", "overdue", "compared"),
    ]


class World:
    """A dossier and what its alerts say, as a reader of the log keeps it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now = TERM - 6 * DAY
        self.case = OPEN
        self.log: list[Alert] = []

    def change(self) -> None:
        """Time passes, or the dossier changes."""
        change = self.random.randrange(8)
        if change < 5:
            self.now += DAY * self.random.random() * 2
        elif change == 5:
            self.case = structs.replace(self.case, ended=self.random.choice(["", "resolved"]))
        elif change == 6:
            term = TERM + DAY * self.random.randrange(-3, 9)
            self.case = due(self.case, term)
        else:
            self.case = structs.replace(self.case, agency=self.random.choice(["H01.12", "H01.13"]))

    def look(self) -> None:
        """A watch looks; it may have been another one before, for all that is stored_in_memory is in the log."""
        last = self.log[-1] if self.log else None
        held = (
            StandingAlert(*(last.level, last.agency, last.procedure, last.term), last.at, last.rule, last.deadline)
            if last and last.state == "raised"
            else None
        )
        case = structs.replace(self.case, standing=held)
        self.log += alerts(case, self.now, len(self.log) + 1)

    @property
    def due(self) -> tuple[str, str, datetime | None] | None:
        """What should stand, told in another way: the last level whose time has come."""
        term = self.case.sent
        if self.case.ended or term is None:
            return None
        days = (self.now - term) / DAY
        for level, least in (("overdue-3d", 3), ("overdue", 0), ("due-soon", -1), ("due-3d", -3)):
            if days > least:
                return level, self.case.agency, term
        return None


@pytest.mark.parametrize("seed", range(100))
def test_whatever_happens_each_level_is_said_once_and_what_stands_is_what_is_due(seed: int) -> None:
    world = World(Random(seed))
    for _ in range(40):
        world.change()
        world.look()
        last = world.log[-1] if world.log else None
        stands = (last.level, last.agency, last.term) if last and last.state == "raised" else None
        assert stands == world.due
    assert [alert.seq for alert in world.log] == list(range(1, len(world.log) + 1))
    raised: set[tuple[str, str, datetime | None]] = set()
    for alert in world.log:
        what = alert.level, alert.agency, alert.term
        if alert.state == "raised":
            assert what not in raised
            raised.add(what)
        else:
            assert what in raised
            raised.clear()
