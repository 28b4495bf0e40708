"""The wallboards of the city: today, this month and this year, and the playlist that shows them in turn."""

from typing import Any, Literal

from grafana.dashboard import Dashboard, at, dashboard
from grafana.panels import (
    NEUTRAL,
    NO_DATA,
    NO_DOSSIERS,
    RED,
    UNITS,
    Panel,
    override,
    stat,
    steps,
    when_null,
    words,
)
from grafana.sql import only, query
from grafana.thresholds import (
    DATA_AGE,
    DIGITISATION,
    FEEDBACK_ON_TIME,
    ONLINE,
    ONLINE_PAYMENT,
    OPEN,
    OVERALL_ON_TIME,
    OVERDUE,
    RECEIVED,
    RESOLVED_LATE,
    RESOLVED_ON_TIME,
    SATISFACTION,
    Figure,
    target_text,
)

Period = Literal["day", "month", "year"]

PERIODS: dict[Period, tuple[str, str, str]] = {
    "day": ("Hôm nay", "Today", "So với hôm qua cùng giờ / Against yesterday, same time"),
    "month": ("Tháng này", "This month", "So với tháng trước cùng kỳ / Against last month, same point"),
    "year": ("Năm nay", "This year", "So với năm trước cùng kỳ / Against last year, same point"),
}
"""Each period: its name in Vietnamese and English, and what its trends are against."""

ROWS: tuple[tuple[int, tuple[Figure, ...]], ...] = (
    (10, (OVERDUE, RESOLVED_LATE, OVERALL_ON_TIME, DATA_AGE)),
    (9, (OPEN, RESOLVED_ON_TIME, RECEIVED, FEEDBACK_ON_TIME)),
    (9, (ONLINE, ONLINE_PAYMENT, DIGITISATION, SATISFACTION)),
)
"""The tiles, each row with its height; the worst thing is in the upper left corner."""
_WIDTH = 6
_STRIP = 3
"""The rows of the strip below a value."""


def wallboard(period: Period) -> Dashboard:
    """The wallboard of a period: it fills the screen, and has no variable, so that it can be shown to anybody."""
    vietnamese, english, _ = PERIODS[period]
    panels: list[Panel] = []
    y = 0
    for height, figures in ROWS:
        for column, figure in enumerate(figures):
            value, strip = _age() if figure is DATA_AGE else _tile(figure, period)
            if height == max(rows for rows, _ in ROWS):
                value["options"]["text"]["valueSize"] = 104
            panels.append(at(column * _WIDTH, y, _WIDTH, height - _STRIP, value))
            panels.append(at(column * _WIDTH, y + height - _STRIP, _WIDTH, _STRIP, strip))
        y += height
    return dashboard(
        f"dossiers-wall-{period}",
        f"Toàn thành phố – {vietnamese} / City – {english}",
        f"The eleven figures of the city: {english.lower()}, with target and trend. For a screen of 1920×1080.",
        panels,
        tags=["wallboard"],
        refresh="30s",
    )


def playlist() -> dict[str, Any]:
    """The playlist of the wall, as Grafana's API takes it: today, then the month and the year."""
    return {
        "name": "Màn hình điều hành / Wall",
        "interval": "1m",
        "items": [{"type": "dashboard_by_uid", "value": f"dossiers-wall-{period}"} for period in PERIODS],
    }


def _tile(figure: Figure, period: Period) -> tuple[Panel, Panel]:
    """The value of a figure, and the strip below it: how it stands, and how it was before."""
    empty = NO_DOSSIERS if figure.unit == "share" else NO_DATA
    sql = query("city", period=period)
    vietnamese, english, against = PERIODS[period]
    title = f"{figure.vietnamese} – {vietnamese.lower()} / {figure.english}, {english.lower()}"
    description = f"{figure.description} {target_text(figure)}."
    value = stat(
        title,
        description,
        only(sql, figure.name),
        defaults=_shown(figure, empty) | {"displayName": _two_lines(figure.vietnamese, figure.english)},
    )
    trend = f"{figure.name}_trend"
    standing = []
    if figure.target is not None:
        standing = [override(figure.name, displayName=target_text(figure), mappings=words(figure, empty))]
    strip = stat(
        against,
        f"{description} The trend is the change since, and in brackets what it was.",
        only(sql, *(each["matcher"]["options"] for each in standing), trend),
        defaults={
            "unit": UNITS[figure.unit],
            "noValue": empty,
            "thresholds": steps(figure),
            "color": {"mode": "thresholds"},
        },
        overrides=[*standing, override(trend, displayName="Xu hướng / Trend", **_plain())],
        title_size=16,
        value_size=22,
    )
    return value, strip


def _age() -> tuple[Panel, Panel]:
    """How old the data is, in red where it has stopped or never was, and the time of the newest event."""
    sql = query("data_age")
    title = f"{DATA_AGE.vietnamese} / {DATA_AGE.english}"
    shown = _shown(DATA_AGE, NO_DATA, RED) | {
        "unit": "s",
        "decimals": 0,
        "displayName": _two_lines(DATA_AGE.vietnamese, DATA_AGE.english),
    }
    value = stat(title, DATA_AGE.description, only(sql, "seconds"), defaults=shown)
    strip = stat(
        "Sự kiện mới nhất đã đếm / Newest counted event",
        DATA_AGE.description,
        sql,
        defaults={"unit": "s", "noValue": NO_DATA, "thresholds": steps(DATA_AGE), "color": {"mode": "thresholds"}},
        overrides=[
            override("seconds", displayName="Dữ liệu / Data", mappings=words(DATA_AGE, "NGỪNG / stopped", RED)),
            override("published_local", displayName="Lúc / At", **_plain()),
        ],
        title_size=16,
        value_size=22,
    )
    return value, strip


def _shown(figure: Figure, empty: str, empty_color: str = NEUTRAL) -> dict[str, Any]:
    return {
        "unit": UNITS[figure.unit],
        "decimals": 1 if figure.unit == "share" else 0,
        "noValue": empty,
        "thresholds": steps(figure),
        "color": {"mode": "thresholds"},
        "mappings": [when_null(empty, empty_color)],
    }


def _plain() -> dict[str, Any]:
    return {"unit": "string", "color": {"mode": "fixed", "fixedColor": NEUTRAL}}


def _two_lines(vietnamese: str, english: str) -> str:
    """A name that breaks between its languages: the only space that is no fixed one."""
    return " ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in (vietnamese, english))
