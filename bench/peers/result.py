"""What came of a run: one row a system, each figure also as a ratio to the floor and to ours of the same run."""

from collections import Counter
from collections.abc import Iterable

import msgspec
from msgspec import Struct
from rich.table import Table

from bench.dataset import Cell, difference
from bench.machine import Machine
from bench.peers.throughput import Figures

CLEAN = "clean"


class Ratios(Struct, frozen=True):
    """The figures divided by another system's."""

    events_per_second: float
    cpu_seconds_per_million: float
    peak_mb: float


class Row(Struct, frozen=True, kw_only=True):
    """A system. `wrong` are the units by which its counts differ from the truth, `killed` what a SIGKILL changed.

    A system without figures says why in `note`. CPU seconds are of the system alone; Kafka's are apart.
    """

    system: str
    version: str
    events: int
    seconds: float | None = None
    events_per_second: int | None = None
    cpu_seconds_per_million: float | None = None
    kafka_cpu_seconds_per_million: float | None = None
    peak_mb: int | None = None
    wrong: int | None = None
    killed: str = ""
    note: str = ""
    to_floor: Ratios | None = None
    to_ours: Ratios | None = None


class Result(Struct, frozen=True, kw_only=True):
    """The result file."""

    machine: Machine
    kafka: str
    command: str
    seed: int
    events: int
    duplicates: int
    bytes_per_event: int
    rows: tuple[Row, ...]


def with_figures(row: Row, figures: Figures, wrong: int) -> Row:
    """The row with what was measured, rounded."""
    return msgspec.structs.replace(
        row,
        seconds=round(figures.seconds, 1),
        events_per_second=round(figures.events_per_second),
        cpu_seconds_per_million=round(figures.cpu_seconds_per_million, 1),
        kafka_cpu_seconds_per_million=round(figures.kafka_cpu_seconds_per_million, 1),
        peak_mb=round(figures.peak_mb),
        wrong=wrong,
    )


def after_kill(killed: Counter[Cell], undisturbed: Counter[Cell]) -> str:
    """What a SIGKILL half way changed: nothing, or by how much the total of all counts is off."""
    if not difference(killed, undisturbed):
        return CLEAN
    return f"{killed.total() / undisturbed.total() - 1:+.2%}".replace("-", "−")


def with_ratios(rows: Iterable[Row], floor: str, ours: str) -> tuple[Row, ...]:
    """The rows, each compared with these two; with none of a name there is no ratio to it."""
    rows = tuple(rows)
    named = {row.system: row for row in rows}
    return tuple(
        msgspec.structs.replace(row, to_floor=_ratios(row, named.get(floor)), to_ours=_ratios(row, named.get(ours)))
        for row in rows
    )


def _ratios(row: Row, other: Row | None) -> Ratios | None:
    if other is None or not (row.events_per_second and row.cpu_seconds_per_million and row.peak_mb):
        return None
    if not (other.events_per_second and other.cpu_seconds_per_million and other.peak_mb):
        return None
    return Ratios(
        round(row.events_per_second / other.events_per_second, 3),
        round(row.cpu_seconds_per_million / other.cpu_seconds_per_million, 2),
        round(row.peak_mb / other.peak_mb, 2),
    )


HEADINGS = ("System", "events/s", "CPU s per M", "to floor", "to ours", "Kafka's", "peak MB", "wrong", "kill -9")


def cells(row: Row) -> tuple[str, ...]:
    """The row as people read it; a system without figures has its note alone."""
    if row.events_per_second is None:
        return (row.system, *("–",) * (len(HEADINGS) - 2), row.note)
    return (
        row.system,
        f"{row.events_per_second:,}",
        f"{row.cpu_seconds_per_million:,.1f}",
        f"{row.to_floor.cpu_seconds_per_million:,.1f}" if row.to_floor else "–",
        f"{row.to_ours.cpu_seconds_per_million:,.2f}" if row.to_ours else "–",
        f"{row.kafka_cpu_seconds_per_million:,.1f}",
        f"{row.peak_mb:,}",
        f"{row.wrong:,}",
        "; ".join(filter(None, (row.killed, row.note))),
    )


_RATIOS = Ratios.__struct_fields__
RATIOS = ("System", *(f"{figure} to {other}" for figure in ("events/s", "CPU", "MB") for other in ("floor", "ours")))


def ratios(row: Row) -> tuple[str, ...]:
    """All ratios of the row."""
    others = (row.to_floor, row.to_ours)
    return (row.system, *(f"{getattr(other, name):,.2f}" if other else "–" for name in _RATIOS for other in others))


def table(result: Result) -> Table:
    """The whole result for a terminal."""
    shown = Table(title=f"{result.events:,} events of {result.bytes_per_event} bytes, {result.duplicates:,} duplicates")
    for heading in HEADINGS:
        shown.add_column(heading, justify="left" if heading in (HEADINGS[0], HEADINGS[-1]) else "right")
    for row in result.rows:
        shown.add_row(*cells(row))
    return shown
