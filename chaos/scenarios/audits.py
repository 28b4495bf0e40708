"""Audits under load: none may report a false difference, and each must find planted faults."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from clickhouse_driver import Client
from msgspec import Struct

from chaos.audit_words import differences_in_words
from chaos.deployment import Deployment
from chaos.run_scale import Scale
from schemas.events import Received
from schemas.topics import EVENTS
from streams.audit.audit_run import audit
from streams.audit.findings import Audit
from streams.audit.topic import TopicCheck
from streams.storage.clickhouse_client import connect

_PLANTED = "planted"
_AT = datetime(2025, 1, 6, 2, tzinfo=UTC)
"""Before everything else that is sent: no other event touches these windows."""


def audits_under_load(deployment: Deployment, scale: Scale) -> int:
    """Events at an even pace, workers that die, and audits one after another; then things that are planted."""
    cases = [
        Received(
            id=f"{_PLANTED} {number}",
            dossier=f"{_PLANTED} {number}",
            source="chaos",
            occurred_at=_AT + number * timedelta(minutes=5),
            agency=_PLANTED,
        )
        for number in range(4)
    ]
    deployment.publish(cases)
    deployment.await_counted()
    client = connect(deployment.clickhouse)
    with _load(deployment, scale.per_second):
        for number in range(scale.audits):
            if number % 2:
                deployment.kill(deployment.a_worker())
            _require_sound(audit(deployment.clickhouse, deployment.profile))
        deployment.await_recovered()
        undo = [plant.tend(client) for plant in _PLANTS]
        found = audit(deployment.clickhouse, deployment.profile)
        for plant in _PLANTS:
            assert plant.is_found(found), f"{plant.what} was not found: {_brief(found)}"
        assert found.differences == len(_PLANTS), f"an audit cried wolf: {_brief(found)}"
        for each in undo:
            each()
        _require_sound(audit(deployment.clickhouse, deployment.profile))
    deployment.await_counted()
    with _moved_progress(client):
        found = audit(deployment.clickhouse, deployment.profile)
        places = [each.place for each in found.findings if each.kind == "progress"]
        assert places == ["partition 0"], f"progress that was moved was not found: {_brief(found)}"
    _require_sound(audit(deployment.clickhouse, deployment.profile))
    differing = TopicCheck(deployment.kafka, deployment.clickhouse).run().findings
    assert not differing, f"the topic differs from the tables: {differing[0]}"
    client.disconnect()
    return scale.audits + len(_PLANTS) + 1


@contextmanager
def _load(deployment: Deployment, per_second: int) -> Iterator[None]:
    """Events at an even pace, as long as it is entered."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def publish() -> None:
        try:
            while not stop.is_set():
                began = time.monotonic()
                deployment.send(per_second // 2)
                stop.wait(max(0.0, began + 0.5 - time.monotonic()))
        except BaseException as error:  # told to the scenario, whatever it is
            failed.append(error)

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]


class _Plant(Struct, frozen=True):
    """Something wrong with rows of some tables: what it is, what does it, and whether an audit says it."""

    what: str
    rows: Mapping[str, str]
    """By table, which rows."""
    harm: str
    """In place of each row; empty takes them away."""
    is_found: Callable[[Audit], bool]

    def tend(self, client: Client) -> Callable[[], None]:
        """Do it; the call that is returned undoes it, since what is inserted last of one position holds."""
        kept = {}
        for table, rows in self.rows.items():
            kept[table] = client.execute(f"SELECT * FROM {table} FINAL WHERE {rows}")  # noqa: S608  # our own
            taken = f"DELETE FROM {table} WHERE {rows}"  # noqa: S608  # our own
            spoilt = f"SELECT * REPLACE ({self.harm}) FROM {table} FINAL WHERE {rows}"  # noqa: S608  # our own
            client.execute(f"INSERT INTO {table} {spoilt}" if self.harm else taken)

        def undo() -> None:
            for table, some in kept.items():
                client.execute(f"INSERT INTO {table} VALUES", some)

        return undo


def _windows_of(number: int) -> str:
    at = _AT + number * timedelta(minutes=5)
    return f"agency = '{_PLANTED}' AND toUnixTimestamp(window) = {at.timestamp():.0f}"


def _rows_of(number: int) -> str:
    return f"dossier = '{_PLANTED} {number}'"


_PLANTS = (
    _Plant(
        "a counter",
        {"windows": _windows_of(0)},
        "7 AS rated",
        lambda found: [each.agency for each in found.window_differences] == [_PLANTED],
    ),
    _Plant(
        "a row",
        {"facts": _rows_of(1)},
        "'wrong' AS step",
        lambda found: ("planted 1", "step") in [(each.dossier, each.column) for each in found.facts_differences],
    ),
    _Plant(
        "a missing event",
        {"events": _rows_of(2)},
        "",
        lambda found: ("planted 2", "dossier") in [(each.dossier, each.column) for each in found.facts_differences],
    ),
    _Plant(
        "a case that was taken out of every table",
        {"windows": _windows_of(3), "facts": _rows_of(3), "events": _rows_of(3)},
        "",
        lambda found: [each.kind for each in found.findings] == ["numbers"],
    ),
)


@contextmanager
def _moved_progress(client: Client) -> Iterator[None]:
    """Progress of a partition past what was counted; while nothing is sent, so that no worker goes on from there."""
    where, topic = "topic = %(topic)s AND partition = 0", {"topic": EVENTS}
    kept = client.execute(f"SELECT * FROM progress FINAL WHERE {where}", topic)  # noqa: S608  # our own
    moved = "SELECT * REPLACE (pos + 200 * 4096 AS pos, offset + 200 AS offset) FROM progress FINAL"
    client.execute(f"INSERT INTO progress {moved} WHERE {where}", topic)
    yield
    client.execute(f"DELETE FROM progress WHERE {where}", topic)  # noqa: S608  # our own
    client.execute("INSERT INTO progress VALUES", kept)


def _require_sound(found: Audit) -> None:
    assert not found.differences, f"an audit cried wolf: {_brief(found)}"


def _brief(found: Audit) -> str:
    words = "; ".join(differences_in_words(found))
    return f"{found.differences} differences, {found.unconfirmed} unconfirmed: {words}"
