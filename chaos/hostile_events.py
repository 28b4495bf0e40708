"""Hostile input, made from a seed on top of a city's history: duplicates, disorder, corrections, invalid lines."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from msgspec import structs

from connectors.simulator.history import history
from connectors.simulator.simulation_plan import Plan
from schemas.events import (
    Amended,
    Event,
    Extended,
    ObligationSet,
    Paid,
    Paused,
    Received,
    Refunded,
    Refused,
    Reopened,
    Resolved,
    Resumed,
    Returned,
    Stopped,
    SupplementAnswered,
    SupplementRequested,
    TermSet,
    Transferred,
    Voided,
    Withdrawn,
)

_BEGIN = datetime(2025, 3, 3, tzinfo=UTC)
_END = datetime(2025, 9, 1, tzinfo=UTC)
_DOSSIERS = 2_000_000
AGENCIES = ("H26.01", "H26.02", "H26.101", "H26.102", "Sở Xây dựng")


def traffic(seed: int, *, agencies: int = 60) -> Iterator[Event]:
    """The events of a city in the order of their arrival, a twentieth of them sent twice; there are always more."""
    plan = Plan(seed=seed, agencies=agencies, duplicates=0.05)
    return (event for _, event in history(plan, _BEGIN, _END, _DOSSIERS))


def repeated(events: Sequence[Event], share: float, random: Random) -> list[Event]:
    """The events, and this share of them again somewhere later."""
    again = [
        (random.uniform(place, len(events)), event) for place, event in enumerate(events) if random.random() < share
    ]
    return [event for _, event in sorted([*enumerate(events), *again], key=lambda pair: pair[0])]


def shuffled(events: Sequence[Event], hours: float, random: Random) -> list[Event]:
    """The events, each moved by up to so many hours of when it happened."""
    span = hours * 3600
    return sorted(events, key=lambda event: event.occurred_at.timestamp() + random.uniform(-span, span))


def late(events: Sequence[Event], share: float, random: Random) -> list[Event]:
    """The events, this share of them after all others: months late."""
    held = [random.random() < share for _ in events]
    return [event for late in (False, True) for event, is_late in zip(events, held, strict=True) if is_late is late]


def crowd(dossier: str, payments: int) -> list[Event]:
    """A dossier with many payments, each of another transaction, some of them online."""
    common: dict[str, Any] = {"dossier": dossier, "source": "crowd"}
    received = datetime(2025, 3, 3, 1, tzinfo=UTC)
    events: list[Event] = [
        Received(id="r", occurred_at=received, agency=AGENCIES[0], channel="online", fee_bearing=True, **common)
    ]
    for number in range(payments):
        method: Any = "online" if number % 3 else "cash"
        at = received + timedelta(minutes=3 * number)
        events.append(
            Paid(id=f"p{number}", transaction=f"t{number}", amount=1, method=method, occurred_at=at, **common)
        )
    return events


def corrected(events: Sequence[Event], share: float, random: Random) -> list[Event]:
    """The events, and later records for a share of them that move, stop, revoke, void or contradict them."""
    found = list(events)
    for number, event in enumerate(events):
        if random.random() < share:
            found += _corrections(event, f"c{number}", random)
    return found


def _corrections(event: Event, number: str, random: Random) -> Iterator[Event]:
    later = event.recorded + timedelta(hours=random.randint(1, 500))
    common: dict[str, Any] = {"dossier": event.dossier, "source": "corrections", "occurred_at": later}
    if isinstance(event, Received):
        moved = event.occurred_at - timedelta(days=random.randint(0, 60), minutes=random.randint(0, 600))
        yield random.choice(
            (
                structs.replace(event, id=number, recorded_at=later, agency=random.choice(AGENCIES), occurred_at=moved),
                Transferred(id=number, agency=random.choice(AGENCIES), **common),
                Amended(id=number, received_at=moved, channel=random.choice(("direct", "online", "postal")), **common),
                Voided(id=number, **common),
                *_stops(event.occurred_at, number, common),
                TermSet(id=number, term=later + timedelta(days=random.randint(-3, 9)), **common),
            )
        )
        if random.random() < 0.3:
            again = later + timedelta(hours=1)
            yield Voided(id=f"{number}-again", voided=False, **common | {"occurred_at": again})
    elif isinstance(event, Paid):
        yield Refunded(id=number, transaction=event.transaction, amount=random.randint(0, event.amount), **common)
    elif isinstance(event, Resolved):
        yield random.choice(
            (
                structs.replace(event, id=number, recorded_at=later, e_result=not event.e_result),
                Extended(id=number, number=9, term=later, apology=random.random() < 0.5, **common),
                Reopened(id=number, **common),
            )
        )
        # What stopped the clock is told after the end.
        begun = event.occurred_at - timedelta(days=random.randint(1, 9), minutes=random.randint(0, 600))
        for each, answered in zip(_stops(begun, f"{number}-stop", common), (True, False, True), strict=True):
            if random.random() < 0.3:
                yield structs.replace(each, recorded_at=later)
                if answered:
                    yield _END_OF[type(each)](
                        id=f"{number}-over", number=7, **common | {"occurred_at": event.occurred_at}
                    )
    elif isinstance(event, Refused | Withdrawn | Stopped):
        yield Returned(id=number, **common)
    else:
        # The same id with another content at the same time: which one holds must not depend on their order.
        yield structs.replace(event, occurred_at=event.occurred_at - timedelta(minutes=7))


def _stops(at: datetime, number: str, common: dict[str, Any]) -> list[Event]:
    """A request for supplements, an obligation and the posting of a land procedure, all at once, without their ends."""
    told = common | {"occurred_at": at, "number": 7}
    return [
        SupplementRequested(id=f"{number}-s", **told),
        ObligationSet(id=f"{number}-o", **told),
        Paused(id=f"{number}-p", reason="niêm yết công khai", **told),
    ]


_END_OF: dict[type[Event], type[Any]] = {SupplementRequested: SupplementAnswered, Paused: Resumed}


def poison(numbers: range) -> list[bytes]:
    """Lines that are no events, each different from all others, invalid in various ways."""
    return [_POISON[number % len(_POISON)].replace(b"#", b"%d" % number) for number in numbers]


_HEAD = b'"id":"p#","dossier":"poison-#","source":"foreign"'
_POISON = (
    b"not json #",
    b"{#",
    b"\xff\xfe #",
    b"\x00\x1b[31m#",
    b'{"kind":"exploded",' + _HEAD + b',"occurred_at":"2025-01-01T00:00:00Z"}',
    b'{"kind":"returned",' + _HEAD + b',"occurred_at":"20211-01-01T00:00:00Z"}',
    b'{"kind":"returned",' + _HEAD + b',"occurred_at":"2099-01-01T00:00:00Z"}',
    b'{"kind":"returned",' + _HEAD + b"}",
    b'{"kind":"paid",'
    + _HEAD
    + b',"occurred_at":"2025-01-01T00:00:00Z","transaction":"t","amount":-1,"method":"cash"}',
    b'["#"]',
    b'"#"',
    b"#",
    b'{"kind":"returned",' + _HEAD + b',"occurred_at":"2025-01-01T00:00:00Z"',
    b"[" * 3000 + b"#",
)
