"""When what is audited: everything while that is quick, else once a day, and what moved in each round."""

from itertools import pairwise

import pytest

from streams.audit.cutoff import Cut
from streams.audit.findings import Audit
from streams.audit.schedule import DAY_SECONDS, AuditSchedule
from streams.audit.throttle import Throttle

EVERY = 300.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def rounds_of(parts: int, until: float) -> list[tuple[float, int | None]]:
    """Each audit that began by then: when, and since which cut; one of everything has so many parts of a minute."""
    clock = Clock()
    begun: list[tuple[float, int | None]] = []

    def run(since: Cut | None, throttle: Throttle) -> Audit:
        number = len(begun)
        begun.append((clock.now - 1000, since.floor if since else None))
        for _ in range(parts if since is None else 0):
            clock.sleep(60)
            throttle.rest()
        return Audit(0, 0, 0, [], [], 0, cut=Cut({}, number))

    schedule = AuditSchedule(run, EVERY, 0.25, clock=clock, sleep=clock.sleep)
    while clock.now - 1000 < until:
        schedule.next_round()
    return begun


def test_a_small_deployment_is_audited_whole_in_each_round() -> None:
    assert rounds_of(1, 1000) == [(0, None), (300, None), (600, None), (900, None)]


def test_one_that_takes_longer_than_a_round_is_audited_whole_all_the_time_and_what_moved_beside_it() -> None:
    begun = rounds_of(5, 4000)
    assert [at for at, since in begun if since is None] == [0, 1200, 2400, 3600]
    assert [at for at, since in begun if since is not None][:4] == [1500, 1800, 2100, 2700]


def test_a_large_one_is_audited_whole_once_a_day_and_what_moved_in_each_round() -> None:
    begun = rounds_of(20, 2 * 86_400 + 6000)
    whole = [at for at, since in begun if since is None]
    assert whole == [0, 86_400, 173_040]  # as soon as a round of what moved has ended
    moved = [at for at, since in begun if since is not None]
    assert 2 * 86_400 / EVERY - 20 < len(moved) < 2 * 86_400 / EVERY + 10
    # Also in the rests of the second and third audits of everything.
    assert [at for at in moved if 86_400 < at < 91_200]


def test_each_looks_at_what_moved_since_the_one_before_began() -> None:
    begun = rounds_of(20, 7000)
    assert [since for _, since in begun[:5]] == [None, 0, 1, 2, 3]


class Service:
    """A deployment of which an audit of everything and one of what moved take so long, in parts of ten seconds."""

    def __init__(self, whole: float, moved: float, share: float) -> None:
        self.clock = Clock()
        self.busy = 0.0
        self.ended: list[tuple[float, str]] = [(self.clock.now, "all")]
        self._parts = {"all": round(whole / 10), "moved": round(moved / 10)}
        self._schedule = AuditSchedule(self.run, EVERY, share, clock=self.clock, sleep=self.clock.sleep)

    def run(self, since: Cut | None, throttle: Throttle) -> Audit:
        scope = "all" if since is None else "moved"
        for _ in range(self._parts[scope]):
            self.clock.sleep(10)
            self.busy += 10
            throttle.rest()
        self.clock.sleep(1)  # the result is recorded after the last part
        self.busy += 1
        self.ended.append((self.clock.now, scope))
        return Audit(0, 0, 0, [], [], 0, cut=Cut({}, 0))

    def rounds(self, seconds: float) -> float:
        """The share of the time that it is busy in these rounds."""
        while self.clock.now - 1000 < seconds:
            self._schedule.next_round()
        return self.busy / (self.clock.now - 1000)

    def longest_age(self, *scopes: str) -> float:
        """How old the last audit of these scopes came to be."""
        ends = [at for at, scope in self.ended if scope in scopes]
        return max(later - at for at, later in pairwise(ends))


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.05, 0.25, 1.0])
@pytest.mark.parametrize("moved", [0, 10, 100, 1000])
@pytest.mark.parametrize("whole", [10, 1000, 10_000])
def test_all_rounds_together_keep_to_the_share(whole: float, moved: float, share: float) -> None:
    service = Service(whole, moved, share)
    assert service.rounds(4 * DAY_SECONDS) <= share * 1.001


def test_a_round_of_what_moved_is_stretched_where_it_would_exceed_the_share() -> None:
    service = Service(whole=2000, moved=200, share=0.25)
    service.rounds(DAY_SECONDS / 2)  # the first audit of everything, and rounds of what moved for the rest of the day
    assert service.longest_age("all", "moved") > 2000 / 0.25
    began = [at for at, scope in service.ended if scope == "moved"]
    assert {later - at for at, later in pairwise(began)} == {201 / 0.25}


@pytest.mark.parametrize("moved", [100, 1000])
def test_rounds_of_what_moved_do_not_keep_an_audit_of_everything_from_ending(moved: float) -> None:
    service = Service(whole=10_000, moved=moved, share=0.25)
    service.rounds(4 * DAY_SECONDS)
    # Once a day, and at most as much time again for what moved as for everything.
    assert service.longest_age("all") <= DAY_SECONDS + 2 * 10_001 / 0.25
    assert service.longest_age("all", "moved") <= 40_100  # the first one of everything has no rounds within
