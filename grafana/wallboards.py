"""The wallboards of the city: today, this month and this year, and the playlist that shows them in turn."""

from typing import Any, Literal

from grafana.dashboard_layout import Dashboard, at, dashboard, pixels
from grafana.panels import (
    NEUTRAL,
    NO_DATA,
    NO_DOSSIERS,
    NOTHING,
    RED,
    UNITS,
    Panel,
    override,
    stat,
    status_mappings,
    steps,
    when_null,
)
from grafana.sql_queries import only, query
from grafana.text_width import centred
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

ROWS: tuple[tuple[Figure, ...], ...] = (
    (OVERDUE, RESOLVED_LATE, OVERALL_ON_TIME, DATA_AGE),
    (OPEN, RESOLVED_ON_TIME, RECEIVED, FEEDBACK_ON_TIME),
    (ONLINE, ONLINE_PAYMENT, DIGITISATION, SATISFACTION),
)
"""The tiles; the worst thing is in the upper left corner."""
WIDTH, VALUE, STRIP = 6, 6, 3
"""The columns of a tile, the rows of its value, and of the strip below it."""
VALUE_SIZES = (100, 84, 84)
"""The size of the numbers in each row of tiles: room for six digits in the first, for seven below."""
NAME_SIZE = 26
STRIP_SIZES = {"titleSize": 17, "valueSize": 22}
PADDING = 12
"""What Grafana leaves free inside of a panel, on each side."""
WALL_PARAMETERS = "kiosk&_dash.hideTimePicker&_dash.hideVariables&_dash.hideLinks"
"""What a screen on a wall is opened with. Not `autofitpanels`, which leaves a fifth of it empty and cuts the rest."""


def wallboard(period: Period) -> Dashboard:
    """The wallboard of a period: it fills the screen, and has no variable, so that it can be shown to anybody."""
    vietnamese, english, _ = PERIODS[period]
    panels: list[Panel] = []
    for row, (figures, size) in enumerate(zip(ROWS, VALUE_SIZES, strict=True)):
        y = row * (VALUE + STRIP)
        for column, figure in enumerate(figures):
            value, strip = _age(size) if figure is DATA_AGE else _tile(figure, period, size)
            panels.append(at(column * WIDTH, y, WIDTH, VALUE, value))
            panels.append(at(column * WIDTH, y + VALUE, WIDTH, STRIP, strip))
    return dashboard(
        f"dossiers-wall-{period}",
        f"Toàn thành phố – {vietnamese} / City – {english}",
        f"The eleven figures of the city: {english.lower()}, with target and trend. For a screen of 1920×1080.",
        panels,
        tags=["wallboard"],
        refresh="30s",
    )


def playlist() -> dict[str, Any]:
    """The playlist of the wall, as Grafana's API takes it: today, then the month and the year.

    How a screen shows it, its URL says: docs/monitoring.md has it.
    """
    return {
        "name": "Màn hình điều hành / Wall",
        "interval": "1m",
        "items": [{"type": "dashboard_by_uid", "value": f"dossiers-wall-{period}"} for period in PERIODS],
    }


def _tile(figure: Figure, period: Period, size: int) -> tuple[Panel, Panel]:
    """The value of a figure, and the strip below it: how it stands, and how it was before."""
    empty = NO_DOSSIERS if figure.unit == "share" else NO_DATA
    sql = query("city", period=period)
    # A figure without a target leaves room to say by which rule all of them are.
    rule = [override("rule", displayName="Theo / By", **_plain())] if figure is RESOLVED_ON_TIME else []
    against = PERIODS[period][2]
    trend = f"{figure.name}_trend"
    standing = []
    if figure.target is not None:
        standing = [override(figure.name, displayName=target_text(figure), mappings=status_mappings(figure, empty))]
    strip = _strip(
        figure,
        f"{figure.description} {target_text(figure)}. {against}: the change since, and in brackets what it was.",
        only(sql, *(each["matcher"]["options"] for each in (*standing, *rule)), trend),
        [*standing, *rule, override(trend, displayName="Xu hướng / Trend", **_plain())],
    )
    return _value(figure, only(sql, figure.name), size), strip


def _age(size: int) -> tuple[Panel, Panel]:
    """How old the data is, in red where it has stopped or never was, and the time of the newest event."""
    sql = query("data_age")
    stopped = [when_null(NOTHING, RED)]
    value = _value(DATA_AGE, only(sql, "seconds"), size, override("seconds", mappings=stopped))
    strip = _strip(
        DATA_AGE,
        f"{DATA_AGE.description} Sự kiện mới nhất đã đếm / Newest counted event.",
        sql,
        [
            override(
                "seconds", displayName="Dữ liệu / Data", mappings=status_mappings(DATA_AGE, "NGỪNG / stopped", RED)
            ),
            override("published_local", displayName="Lúc / At", **_plain()),
        ],
    )
    return value, strip


def _value(figure: Figure, sql: str, size: int, *overrides: dict[str, Any]) -> Panel:
    """The number, with its name in the panel: a title of the panel would cost a fifth of its height.

    Where there is none it shows a dash, and the strip below says why: words do not fit in the size of the number.
    """
    shown = _shown(figure, NOTHING) | {
        "displayName": centred((figure.vietnamese, figure.english), NAME_SIZE, pixels(WIDTH, VALUE)[0] - 2 * PADDING)
    }
    text = {"titleSize": NAME_SIZE, "valueSize": size}
    description = f"{figure.vietnamese} / {figure.english}. {figure.description} {target_text(figure)}."
    return stat("", description, sql, defaults=shown, overrides=overrides, text=text)


def _strip(figure: Figure, description: str, sql: str, overrides: list[dict[str, Any]]) -> Panel:
    return stat("", description, sql, defaults=_shown(figure, NO_DATA), overrides=overrides, text=STRIP_SIZES)


def _shown(figure: Figure, empty: str) -> dict[str, Any]:
    return UNITS[figure.unit] | {
        "noValue": empty,
        "thresholds": steps(figure),
        "color": {"mode": "thresholds"},
        "mappings": [when_null(empty)],
    }


def _plain() -> dict[str, Any]:
    return UNITS["text"] | {"color": {"mode": "fixed", "fixedColor": NEUTRAL}}
