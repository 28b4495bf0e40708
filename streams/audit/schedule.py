"""When `dossier audit --every` audits what: everything as often as its share of the time allows, else what moved."""

import time
from collections.abc import Callable
from typing import Protocol

from streams.audit.cutoff import Cut
from streams.audit.findings import Audit
from streams.audit.throttle import Throttle

HOUR_SECONDS = 3600.0
DAY_SECONDS = 86_400.0


class Run(Protocol):
    """Audits everything, or what moved beyond a cut; returns None where the audit did not finish."""

    def __call__(self, since: Cut | None, throttle: Throttle) -> Audit | None:
        """Audit once, and let the throttle rest after each part."""


class AuditSchedule:
    """Rounds of audits, one of which begins every so many seconds.

    Each round audits everything; where that takes more than an hour, it does so once a day. Rounds within the rests of
    such an audit, and until the next one, audit what moved since the last round. All rounds together are busy for at
    most `share` of the time: where that does not suffice, a round takes longer and the next one begins later.
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

    def next_round(self) -> None:
        """Wait until a round is due, and run it."""
        self._sleep(max(0.0, self._due - self._clock()))
        began = self._clock()
        if self._since is not None and began < self._all_due:
            self._audit_moved()
            return
        self._due = began + self._every
        before = self._since
        found = self._audit(None, self._rest)
        if found is not None and self._since is before:
            self._since = found.cut
        if found is not None and self._clock() - began > HOUR_SECONDS:
            self._all_due = max(began + DAY_SECONDS, self._clock())

    def _audit(self, since: Cut | None, idle: Callable[[float], None]) -> Audit | None:
        throttle = Throttle(self._share, idle, clock=self._clock)
        found = self._run(since, throttle)
        self._sleep(throttle.owed)
        return found

    def _audit_moved(self) -> None:
        self._due = self._clock() + self._every
        found = self._audit(self._since, self._sleep)
        if found is not None:
            self._since = found.cut

    def _rest(self, seconds: float) -> None:
        """Rest within an audit of everything. Rounds that are due audit what moved, and are no part of the rest."""
        while self._since is not None and (wait := max(0.0, self._due - self._clock())) < seconds:
            self._sleep(wait)
            seconds -= wait
            began = self._clock()
            self._audit_moved()
            # A long round leaves as much time again to the audit of everything, which would otherwise never end.
            self._due = max(self._due, self._clock() + (self._clock() - began))
        self._sleep(seconds)
