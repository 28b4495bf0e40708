"""When what is audited: everything while that is quick, else once a day, and what moved in each round."""

from streams.audit.cut import Cut
from streams.audit.findings import Audit
from streams.audit.schedule import AuditSchedule
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
            throttle._idle(180)  # as a share of a quarter would have it
        return Audit(0, 0, 0, [], [], 0, cut=Cut({}, number))

    rounds = AuditSchedule(run, EVERY, 0.25, clock=clock, sleep=clock.sleep)
    while clock.now - 1000 < until:
        rounds.go_on()
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
