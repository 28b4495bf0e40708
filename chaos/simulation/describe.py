"""A schedule in words: its records, its workers, what happens, and what is wrong in the end."""

from collections.abc import Iterator
from datetime import UTC, datetime

from chaos.simulation.log import Entry, Log
from chaos.simulation.schedule import Schedule
from chaos.simulation.worker import Code
from chaos.simulation.world import play
from streams.worker.cadence import AT_ONCE, Cadence


def describe(schedule: Schedule, code: Code | None = None) -> str:
    """Play the schedule once more and describe it."""
    happened: list[str] = []
    played = play(schedule, code, happened.append)
    return "\n".join(
        [
            f"The records, terms are compared by {schedule.log.terms}, {schedule.log.numbered} numbers a dossier:",
            *_indented(_records(schedule.log)),
            "The workers:",
            *_indented(_workers(schedule)),
            "What happens, records being partition@offset:",
            *_indented(happened),
            "What is wrong:",
            *_indented(played.wrong or ["nothing"]),
        ]
    )


def _records(log: Log) -> Iterator[str]:
    for partition, entries in enumerate(log.entries):
        for offset, entry in enumerate(entries):
            if entry.empty:
                yield f"{partition}@{offset}, a marker, or a record of an aborted transaction"
                continue
            yield f"{partition}@{offset}, {_published(entry)}" + ("" if entry.lines else ": no value")
            for index, line in enumerate(entry.lines):
                reason = log.reasons.get((partition, offset, index))
                text = line.content.decode(errors="backslashreplace")
                yield f"  {text}" + (f"  -- {reason}, to be dead-lettered" if reason else "")


def _published(entry: Entry) -> str:
    try:
        return f"published {datetime.fromtimestamp(entry.timestamp / 1000, UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return f"with timestamp {entry.timestamp}"


def _workers(schedule: Schedule) -> Iterator[str]:
    for worker, limits in enumerate(schedule.limits):
        owned = [str(partition) for partition, owner in enumerate(schedule.owners) if owner == worker]
        has = f"has partition {' and '.join(owned)}" if owned else "has no partition"
        yield (
            f"worker {worker} {has}, caches {limits.dossiers} dossiers of {limits.cached_bytes} bytes and "
            f"{limits.windows} windows, reads {limits.read_bytes} bytes at once, cuts after {limits.effort}, "
            f"writes {_cadence(limits.cadence)}"
        )


def _cadence(cadence: Cadence) -> str:
    if cadence == AT_ONCE:
        return "at once"
    windows, everything = (f"{seconds:.0f} s" for seconds in (cadence.windows_seconds, cadence.all_seconds))
    return f"windows after {windows}, everything after {everything} or {cadence.max_effort}"


def _indented(lines: Iterator[str] | tuple[str, ...] | list[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
