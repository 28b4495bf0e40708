"""Audits again and again: everything as often as its share of the time allows, and between that what moved."""

import time
from collections.abc import Callable
from typing import Protocol

from streams.audit.cut import Cut
from streams.audit.findings import Audit
from streams.audit.throttle import Throttle

HOUR_SECONDS = 3600.0
DAY_SECONDS = 86_400.0


class Run(Protocol):
    """Audits everything at this throttle, or what moved beyond a cut; None where it did not end."""

    def __call__(self, since: Cut | None, throttle: Throttle) -> Audit | None:
        """Audit once."""


class AuditSchedule:
    """AuditSchedule, one of which begins every so many seconds.

    Each audits everything, one as soon as the last has ended. Where that takes more than an hour, everything is audited
    once a day. In the rests of such an audit, and until the next, each round audits what moved since the last.
    """

    def __init__(
        self,
        run: Run,
        every: float,
        share: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._run = run
        self._every = every
        self._share = share
        self._clock = clock
        self._sleep = sleep
        self._since: Cut | None = None
        self._due = self._all_due = clock()

    def go_on(self) -> None:
        """Wait until a round is due, and do it."""
        self._sleep(max(0.0, self._due - self._clock()))
        began = self._clock()
        self._due = began + self._every
        if self._since is not None and began < self._all_due:
            self._look_at_moved()
            return
        before = self._since
        found = self._run(None, Throttle(self._share, self._rest))
        if found is not None and self._since is before:
            self._since = found.cut
        if found is not None and self._clock() - began > HOUR_SECONDS:
            self._all_due = max(began + DAY_SECONDS, self._clock())

    def _rest(self, seconds: float) -> None:
        """In a rest of an audit of everything, rounds that are due look at what moved."""
        until = self._clock() + seconds
        while self._since is not None and self._due < until:
            self._sleep(max(0.0, self._due - self._clock()))
            self._due = self._clock() + self._every
            self._look_at_moved()
        self._sleep(max(0.0, until - self._clock()))

    def _look_at_moved(self) -> None:
        found = self._run(self._since, Throttle())
        if found is not None:
            self._since = found.cut
