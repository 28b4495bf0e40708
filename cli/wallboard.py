"""The wallboard of the city as a frame on a terminal, made from what was read."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.terminal_escape import printable
from grafana.panels import NO_DATA, NO_DOSSIERS, STATUS_LABELS
from grafana.thresholds import DATA_AGE, FIGURES, Figure, status, target_text
from grafana.wallboards import PERIODS, Period

_STYLES = {"met": "bold green", "watch": "bold yellow", "missed": "bold white on red"}
ROOM = (100, 33)
"""Columns and lines from which on all texts are in both languages, and targets are shown."""


class Reading(Struct, frozen=True):
    """What was read from the database: the figures, the age of the data in seconds, and when it was read.

    There are no figures until the first query succeeds; `trouble` says why the last one failed.
    """

    figures: dict[str, Any] = {}
    age_seconds: int | None = None
    at: datetime | None = None
    trouble: str = ""


def frame(reading: Reading, period: Period, size: tuple[int, int], keys: str = "") -> RenderableType:
    """All figures of a period, the worst first, for a terminal of this size; `keys` says what keys do.

    It fits into 80 columns and 24 lines.
    """
    roomy = size[0] >= ROOM[0] and size[1] >= ROOM[1]
    vietnamese, english, _ = PERIODS[period]
    shown = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1))
    shown.add_column(f"TOÀN THÀNH PHỐ – {vietnamese.upper()} / {english}", ratio=5, no_wrap=True, overflow="ellipsis")
    for heading in ("", "Mục tiêu / Target", "Xu hướng / Trend"):
        shown.add_column(_translated(heading, roomy=roomy), justify="right", no_wrap=True)
    for figure in FIGURES:
        shown.add_row(*_row(figure, reading.figures, roomy=roomy))
    return Group(shown, _age(reading), _foot(reading, keys))


def _foot(reading: Reading, keys: str) -> Text:
    """By which rule terms are compared, and what keys do."""
    rule = reading.figures.get("rule")
    told = f"So hạn theo / terms compared by: {rule}" if rule else ""
    return Text("\n".join(filter(None, (told, keys))), style="dim")


def _row(figure: Figure, figures: dict[str, Any], *, roomy: bool) -> tuple[Text, Text, Text, Text]:
    name = Text(figure.vietnamese, style="bold")
    name.append(f"{chr(10) if roomy else ' / '}{figure.english}", style="dim")
    value = figures.get(figure.name)
    if value is None:
        empty = NO_DOSSIERS if figure.unit == "share" and figures else NO_DATA
        return name, Text("–"), Text(""), Text(_translated(empty, roomy=roomy), style="dim")
    stands = status(figure, value)
    word = Text(_translated(STATUS_LABELS[stands][0], roomy=roomy), style=_STYLES[stands]) if stands else Text("")
    if roomy and stands:
        word.append(f"\n{target_text(figure)}", style="dim")
    shown = Text(_shown(figure, value), style=_STYLES.get(stands or "", "bold"))
    return name, shown, word, Text(figures[f"{figure.name}_trend"])


def _translated(both: str, *, roomy: bool) -> str:
    """In Vietnamese and English, or in Vietnamese alone if there is no room."""
    return both if roomy else both.partition(" / ")[0]


def _shown(figure: Figure, value: float) -> str:
    return f"{value:.1%}" if figure.unit == "share" else f"{value:,.0f}"


def _age(reading: Reading) -> Text:
    """How old the data is; in red, and in words, if it has stopped."""
    if reading.trouble:
        since = f" – {reading.at:%H:%M:%S}" if reading.at else ""
        return Text(f"KHÔNG ĐỌC ĐƯỢC / cannot read{since}: {printable(reading.trouble)}", style=_STYLES["missed"])
    name = f"{DATA_AGE.vietnamese} / {DATA_AGE.english}"
    if reading.age_seconds is None:
        return Text(f"{name}: {NO_DATA}", style=_STYLES["missed"])
    stands = status(DATA_AGE, reading.age_seconds) or "met"
    word = "NGỪNG / stopped" if stands == "missed" else STATUS_LABELS[stands][0]
    return Text(f"{name}: {reading.age_seconds:,} s  {word}", style=_STYLES[stands])
