"""The router goes on where a service fails, ends between two batches, and says how it is."""

from collections.abc import Callable

import pytest

from schemas.dead_letter import dead_letter
from schemas.envelope import Rejection
from schemas.topics import INBOX
from streams.errors import Superseded, Unreachable
from streams.routing.batch import Batch
from streams.routing.router import route
from streams.routing.session import Session
from streams.routing.telemetry import READY_SECONDS, STALL_SECONDS, RouterTelemetry
from tests.streams.cases import at


class Sessions:
    """Sessions that do in turn what is planned: return a batch, or raise."""

    def __init__(self, *plan: Batch | Exception | None) -> None:
        self.plan = list(plan)
        self.opened = self.closed = 0

    def open(self) -> Session:
        self.opened += 1
        return self  # type: ignore[return-value]  # it does what a session does

    def step(self, _: int) -> Batch | None:
        planned = self.plan.pop(0)
        if isinstance(planned, Exception):
            raise planned
        return planned

    def lag(self) -> dict[int, int]:
        return {0: len(self.plan)}

    def close(self) -> None:
        self.closed += 1

    def is_over(self) -> bool:
        return not self.plan


def run(sessions: Sessions, telemetry: RouterTelemetry, wait: Callable[[float], None]) -> None:
    route(sessions.open, sessions.is_over, telemetry, wait)


def test_after_a_failure_a_new_session_begins_and_pauses_grow_until_one_works() -> None:
    away = Unreachable("Kafka is away")
    sessions = Sessions(away, away, away, Batch([], [], 3), away, Batch([], [], 4))
    pauses: list[float] = []
    telemetry = RouterTelemetry()
    run(sessions, telemetry, pauses.append)
    assert pauses == [0.2, 0.4, 0.8, 0.2]
    assert sessions.opened == sessions.closed == 5
    page = telemetry.page().decode()
    assert "dossier_routed_records_total 7.0" in page
    assert "dossier_router_resumed_total 4.0" in page


def test_what_time_does_not_mend_ends_it() -> None:
    sessions = Sessions(None, Superseded("another one has begun"), None)
    with pytest.raises(Superseded):
        run(sessions, RouterTelemetry(), lambda _: None)
    assert sessions.closed == 1


def test_its_metrics_count_what_was_put_aside_by_reason() -> None:
    letter = dead_letter(INBOX, 1, 7, at("2026-01-05 08:30"), Rejection(0, "malformed", "", "", b"{"))
    telemetry = RouterTelemetry()
    run(Sessions(Batch([], [letter, letter], 2)), telemetry, lambda _: None)
    page = telemetry.page().decode()
    assert 'dossier_routed_dead_letters_total{reason="malformed"} 2.0' in page
    assert 'dossier_router_lag_records{partition="0"} 0.0' in page


def test_its_health_tells_waiting_from_hanging() -> None:
    telemetry = RouterTelemetry(now=0.0)
    assert (telemetry.health(1.0).live, telemetry.health(1.0).ready) == (True, False)
    telemetry.turned(None, {}, now=10.0)
    assert telemetry.health(11.0).ready
    assert not telemetry.health(11.0 + READY_SECONDS).ready
    telemetry.failed("ClickHouse is away", now=20.0)
    assert telemetry.health(21.0).state == "waiting: ClickHouse is away"
    assert telemetry.health(21.0).live
    assert not telemetry.health(21.0 + STALL_SECONDS).live
