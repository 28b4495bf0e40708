"""Input as no source should send it."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import compress
from typing import Any

from chaos.deployment import Deployment
from chaos.hostile_events import AGENCIES, corrected, crowd, late, poison, repeated, shuffled
from chaos.oracle.expected_rows import Capacity
from chaos.run_scale import Scale
from schemas.envelope import encode, encode_event
from schemas.events import MAX_NUMBERED, Event, Transferred

_SHARES = (0.01, 0.1, 0.5)


def duplicates(deployment: Deployment, scale: Scale) -> int:
    """A hundredth, a tenth and a half of all events come twice."""
    for share in _SHARES:
        deployment.publish(repeated(deployment.next_events(scale.hostile), share, deployment.random))
    return len(_SHARES)


def disorder(deployment: Deployment, scale: Scale) -> int:
    """Events come hours before and after their turn, some of them months late."""
    deployment.publish(shuffled(deployment.next_events(scale.hostile), 12, deployment.random))
    deployment.publish(late(deployment.next_events(scale.hostile), 0.2, deployment.random))
    everything = deployment.next_events(scale.hostile)
    deployment.random.shuffle(everything)
    deployment.publish(everything)
    return 3


def corrections(deployment: Deployment, scale: Scale) -> int:
    """Events are moved to other agencies and windows, refunded, voided and contradicted, in any order."""
    events = corrected(deployment.next_events(scale.hostile), 0.3, deployment.random)
    deployment.publish(events)
    deployment.kill(deployment.a_worker())
    again = corrected(deployment.next_events(scale.hostile), 0.3, deployment.random)
    deployment.random.shuffle(again)
    deployment.publish(again)
    return 2


def crowded_dossier(deployment: Deployment, scale: Scale) -> int:
    """One dossier with 20,000 payments among the events of others, which is then transferred: no other one is delayed.

    What it has beyond its limit is put aside, and no worker hangs or starts again.
    """
    workers = {name: deployment.process(name).pid for name in ("worker-1", "worker-2")}
    capacity = Capacity(MAX_NUMBERED)
    crowded, others = (
        crowd(f"crowded-{deployment.random.randrange(10**9)}", 20_000),
        deployment.next_events(scale.hostile),
    )
    every = len(crowded) // len(others) + 1
    mixed = [event for at, other in enumerate(others) for event in (*crowded[at * every : (at + 1) * every], other)]
    assert _publish(deployment, mixed, capacity) == 20_000 - MAX_NUMBERED
    received = crowded[0]
    common: dict[str, Any] = {"dossier": received.dossier, "source": "crowd"}
    moves: list[Event] = [
        Transferred(id=f"t{number}", occurred_at=received.occurred_at + timedelta(days=number), agency=agency, **common)
        for number, agency in enumerate(AGENCIES * 5)
    ]
    _publish(deployment, moves + deployment.next_events(scale.slice), capacity)
    deployment.await_counted()
    assert {name: deployment.process(name).pid for name in workers} == workers, "a worker was started again"
    deployment.kill(deployment.a_worker())
    _publish(deployment, corrected(crowded[:1100], 0.3, deployment.random), capacity)
    return 1


def _publish(deployment: Deployment, events: Sequence[Event], capacity: Capacity) -> int:
    """Publish events of which their dossiers may not take all; returns how many must end as dead letters."""
    takes = list(map(capacity.takes, events))
    refused = [encode_event(event) for event, taken in zip(events, takes, strict=True) if not taken]
    deployment.sent += compress(events, takes)
    deployment.invalid_lines += refused
    deployment.await_true(lambda: deployment.is_delivered(events), "Kafka to take what is published")
    return len(refused)


def foreign_producer(deployment: Deployment, scale: Scale) -> int:
    """Records without keys, of broken lines alone or among events, empty ones, on any partition."""
    lines = poison(range(scale.hostile // 20))
    envelopes = [lines[start : start + 50] for start in range(0, len(lines), 50)]
    deployment.publish_foreign([encode(envelope) for envelope in envelopes], lines)
    deployment.publish_foreign([b"", b"\n" * 10, b"\n".join([b"1"] * 5000)])
    deployment.send(scale.hostile)
    return len(envelopes) + 3


def misplaced(deployment: Deployment, scale: Scale) -> int:
    """A producer with a partitioner of its own: its events are put aside, and count once when they are replayed."""
    events = deployment.next_events(scale.slice)
    lines = [encode_event(event) for event in events]
    deployment.publish_foreign([encode(lines[start : start + 20]) for start in range(0, len(lines), 20)])
    deployment.send(scale.slice)
    deployment.await_counted()
    for _ in range(2):
        deployment.run("dead-letters", "replay", "--reason", "misplaced")
    deployment.sent += events
    return 1


def flood(deployment: Deployment, scale: Scale) -> int:
    """So many invalid lines that workers stop, again and again, until an operator raises the limit."""
    deployment.send(scale.slice)
    deployment.await_counted()
    lines = poison(range(12_000))
    deployment.publish_foreign(
        [encode(lines[start : start + 1000]) for start in range(0, len(lines), 1000)], lines, only=0
    )
    deployment.send(scale.slice)
    deployment.await_true(
        lambda: any("too many dead letters" in each.reason for each in deployment.platform.state.processes),
        "the dead-letter limit to stop a worker",
    )
    assert deployment.missing_dead_letters() > len(lines) // 2, "the flood was drained"
    deployment.restart(2, DOSSIER_DEAD_RATIO="1")
    return 1
