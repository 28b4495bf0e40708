"""Cases told in a few words, for examples: local times of Việt Nam, one dossier, ids of their own."""

from datetime import datetime
from typing import Any, TypeVar

from schemas.deployment_profile import Profile
from schemas.events import Event
from schemas.instant import to_micros
from streams.counting.contributions import Contributions, contributions
from streams.counting.facts import Facts, facts_of
from streams.counting.record import Record
from streams.counting.registers import Registers, fold, register_of
from streams.counting.rows import event_columns
from streams.counting.store_interface import Row

E = TypeVar("E", bound=Event)

INSTANT = Profile()
DATE = Profile(terms="date")


def at(local: str) -> datetime:
    """An instant by its time in Việt Nam, such as `2026-03-10 09:00`."""
    return datetime.fromisoformat(f"{local}+07:00")


def micros(local: str) -> int:
    """The same as facts carry it."""
    return to_micros(at(local))


def said(kind: type[E], local: str, **fields: Any) -> E:
    """An event of the dossier `D1` that happened then; its id follows from its kind, time and fields."""
    described = {"id": f"{kind.__name__} {local} {fields}"[:100], "dossier": "D1", "source": "test"}
    return kind(**(described | {"occurred_at": at(local)} | fields))


def joined(*events: Event) -> Registers:
    """The registers after these events."""
    registers: Registers = {}
    for event in events:
        registers = fold(registers, event)
    return registers


def facts(*events: Event) -> Facts:
    """The facts of one case."""
    return facts_of(joined(*events))


def counts(*events: Event, profile: Profile = INSTANT) -> Contributions:
    """What one case counts."""
    return contributions(facts(*events), profile)


def total(counted: Contributions) -> dict[str, int]:
    """The counters summed over all windows."""
    summed: dict[str, int] = {}
    for counters in counted.values():
        for counter, amount in counters.items():
            summed[counter] = summed.get(counter, 0) + amount
    return summed


def event_row(event: Event, record: Record, line: int, epoch: int = 1) -> Row:
    """The row of `events` for the event in this line of the record."""
    columns = event_columns(record, [line], [event.dossier], [event.source], [register_of(event)], epoch)
    return tuple(column[0] for column in columns)
