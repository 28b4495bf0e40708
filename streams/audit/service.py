"""Repeated audits as a service: differences as metrics, and log lines whenever their number changes."""

import logging
import threading
import time
from collections.abc import Callable

import psutil
from msgspec import Struct

from schemas.deployment_profile import Profile
from streams.audit.findings import KINDS, Audit
from streams.errors import Diverged, Unfinished, Unreachable
from streams.monitoring import metrics
from streams.monitoring.metrics import Meters

log = logging.getLogger(__name__)

_LOGGED = 20


class AuditHealth(Struct, frozen=True):
    """How the last audit ended."""

    ready: bool
    state: str
    differences: int | None = None


class AuditService:
    """Runs audits one after another and remembers their results. Any thread may call `page` and `health`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._meters = Meters(metrics.AUDIT)
        self._lock = threading.Lock()
        self._finished = clock()
        self._reported: dict[str, int] = {}
        self._health = AuditHealth(False, "the first audit has not finished")
        for kind in ("facts", "windows", *KINDS):
            self._meters.set(metrics.DIFFERENCES, float("nan"), kind)

    def built(self, version: str, profile: Profile) -> None:
        """What runs: the version and the rules; an audit belongs to no epoch."""
        self._meters.set(metrics.BUILD, 1, version, profile.rules, "")

    def run(self, audit: Callable[[], Audit]) -> Audit | None:
        """Audit once; None where that fails, which is logged and leaves the figures of the last audit as they are."""
        began = self._clock()
        try:
            found = audit()
        except (Unreachable, Unfinished, Diverged) as error:
            self._meters.add(metrics.AUDITS, 1, "unfinished")
            with self._lock:
                self._health = AuditHealth(False, f"the last audit did not finish: {error}", self._health.differences)
            log.warning("the audit did not finish, it is retried", extra={"reason": str(error)})
        else:
            self._record(found, self._clock() - began)
            return found
        return None

    def health(self) -> AuditHealth:
        """How the last audit ended; differences are for alerts on the metrics, not a fault of the auditor."""
        with self._lock:
            return self._health

    def page(self) -> bytes:
        """The metrics at this moment."""
        self._meters.set(metrics.AUDIT_AGE, self._clock() - self._finished)
        self._meters.set(metrics.MEMORY, psutil.Process().memory_info().rss)
        return self._meters.page()

    def _record(self, found: Audit, seconds: float) -> None:
        counts = found.by_kind
        if found.scope == "moved":
            # Differences of what did not move remain until everything is audited again.
            counts = {kind: max(number, self._reported.get(kind, 0)) for kind, number in counts.items()}
        for kind, number in counts.items():
            self._meters.set(metrics.DIFFERENCES, number, kind)
        self._meters.set(metrics.UNCONFIRMED, found.unconfirmed)
        if found.scope == "all":
            self._meters.set(metrics.CONFLICTS, found.conflicts)
        self._meters.set(metrics.AUDIT_SECONDS, seconds)
        self._meters.add(metrics.AUDITS, 1, "differing" if found.differences else "sound")
        with self._lock:
            self._finished = self._clock()
            self._health = AuditHealth(True, "audited", sum(counts.values()))
        size = {"dossiers": found.dossiers, "windows": found.windows, "events": found.events}
        ended = {"differences": found.differences, "unconfirmed": found.unconfirmed, "seconds": round(seconds, 1)}
        log.info("audited", extra={"scope": found.scope, **size, **ended})
        if any(number != self._reported.get(kind, 0) for kind, number in counts.items()):
            self._log_differences(found, counts)
        self._reported = counts

    def _log_differences(self, found: Audit, counts: dict[str, int]) -> None:
        for kind, number in counts.items():
            if kind not in KINDS or number != self._reported.get(kind, 0):
                log.warning("the number of differences has changed", extra={"kind": kind, "differences": number})
        # Their places but not their values, which may be about a person: `dossier audit` shows them.
        for facts in found.facts_differences[:_LOGGED]:
            log.warning("facts differ", extra={"dossier": facts.dossier, "column": facts.column})
        for each in found.window_differences[:_LOGGED]:
            place = {"agency": each.agency, "window": each.window, "partition": each.partition, "column": each.counter}
            log.warning("a window differs", extra=place)
        for other in found.findings[:_LOGGED]:
            log.warning("something else differs", extra={"kind": other.kind, "place": other.place})
