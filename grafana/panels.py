"""Panels in Grafana's classic JSON, one small function each; the dashboard assigns positions and ids."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from grafana.thresholds import Figure

Panel: TypeAlias = dict[str, Any]

DATASOURCE = {"type": "grafana-clickhouse-datasource", "uid": "dossiers-clickhouse"}
PLUGIN_VERSION = "4.14.1"
TIME_SERIES, TABLE = 0, 1
"""What a query answers: the data source obeys `format`, whatever the panel is."""

GREEN, ORANGE, RED, NEUTRAL = "dark-green", "dark-orange", "dark-red", "#3d4451"
NO_DOSSIERS = "không có hồ sơ / no dossiers"
NO_DATA = "không có dữ liệu / no data"
NOTHING = "–"
"""For an empty cell, or a number without a value on a wallboard: it fits in every size."""
UNITS: dict[str, dict[str, Any]] = {
    "count": {"unit": "locale", "decimals": 0},
    "share": {"unit": "percentunit", "decimals": 1},
    "seconds": {"unit": "s", "decimals": 0},
    "days": {"unit": "locale", "decimals": 1},
    "money": {"unit": "currency:financial: đ:suffix", "decimals": 0},
    "text": {"unit": "string"},
}
"""How Grafana formats each unit. `locale` and `financial` group digits as the browser's language does."""


def target(sql: str, form: int = TABLE, ref: str = "A") -> dict[str, Any]:
    """A query of a panel; `form` is TABLE, or TIME_SERIES where the first column is an ascending time."""
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "editorType": "sql",
        "queryType": "timeseries" if form == TIME_SERIES else "table",
        "format": form,
        "rawSql": sql,
        "pluginVersion": PLUGIN_VERSION,
    }


def panel(
    kind: str,
    title: str,
    description: str,
    targets: Sequence[dict[str, Any]],
    *,
    defaults: dict[str, Any],
    options: dict[str, Any],
    overrides: Sequence[dict[str, Any]] = (),
) -> Panel:
    """A panel of any kind; `defaults` apply to every field, and must include a unit."""
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": list(targets),
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
    }


def stat(
    title: str,
    description: str,
    sql: str,
    *,
    defaults: dict[str, Any],
    overrides: Sequence[dict[str, Any]] = (),
    text: dict[str, int] | None = None,
    text_mode: str = "value_and_name",
) -> Panel:
    """Every column of the last row side by side; a NULL shows `noValue`, or its mapping.

    When the data source does not answer, there is no column and only the defaults apply: their mapping of NULL is
    shown, in its colour. `text` sets font sizes; by default the value is as large as fits.
    """
    options = {
        "colorMode": "background_solid",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "vertical",
        "textMode": text_mode,
        "wideLayout": False,
        "showPercentChange": False,
        "text": text or {},
        # Not lastNotNull: a NULL must never be covered by an older value. Fields would be selected by their
        # display name, which a title changes: SQL selects the columns, and all are shown, strings too.
        "reduceOptions": {"calcs": ["last"], "fields": "/.*/", "values": False},
    }
    return panel("stat", title, description, [target(sql)], defaults=defaults, options=options, overrides=overrides)


def table(
    title: str,
    description: str,
    sql: str,
    *,
    overrides: Sequence[dict[str, Any]] = (),
) -> Panel:
    """The rows in the order of the query: sort and limit them in SQL.

    A column is text unless an override gives it a unit: Grafana would show the code 1.001193 as the number 1.00.
    """
    options = {"cellHeight": "md", "showHeader": True, "footer": {"show": False, "reducer": [], "fields": ""}}
    plain = {**UNITS["text"], "noValue": NOTHING, "custom": {"align": "auto", "cellOptions": {"type": "auto"}}}
    return panel(
        "table",
        title,
        description,
        [target(sql)],
        defaults=plain,
        options=options,
        overrides=overrides,
    )


def series(
    title: str, description: str, sql: str, unit: str, *, bars: bool = False, defaults: dict[str, Any] | None = None
) -> Panel:
    """Lines over time: the first column is an ascending time, strings name series, numbers are values of this unit.

    `bars` draws a bar for each point instead: between points far apart, a line would suggest values that do not exist.
    """
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    drawn: dict[str, Any] = {"drawStyle": "line", "lineWidth": 2, "fillOpacity": 0, "showPoints": "auto"}
    if bars:
        drawn = {"drawStyle": "bars", "lineWidth": 1, "fillOpacity": 70, "showPoints": "never"}
    return panel(
        "timeseries",
        title,
        description,
        [target(sql, TIME_SERIES)],
        defaults=UNITS[unit] | {"noValue": NO_DATA, "custom": drawn} | (defaults or {}),
        options=options,
    )


def bars(title: str, description: str, sql: str, classes: Sequence[tuple[str, str, str]], *, empty: str) -> Panel:
    """A bar for each class: its column in the only row, its name, its colour.

    Each class has its own colour: a colour by length would show many fresh dossiers as worse than a few old ones.
    """
    options = {
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "text",
        "namePlacement": "left",
        "showUnfilled": True,
        "reduceOptions": {"calcs": ["last"], "fields": "", "values": False},
    }
    colors = [
        override(field, displayName=name, color={"mode": "fixed", "fixedColor": color}, mappings=[when_null(empty)])
        for field, name, color in classes
    ]
    defaults = UNITS["count"] | {"noValue": NO_DATA, "min": 0, "mappings": [when_null(NO_DATA)]}
    return panel("bargauge", title, description, [target(sql)], defaults=defaults, options=options, overrides=colors)


def override(field: str, **properties: Any) -> dict[str, Any]:
    """Properties of one field; a dot in their names is written as two underscores: `custom__width`."""
    return {
        "matcher": {"id": "byName", "options": field},
        "properties": [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()],
    }


def column(field: str, title: str, unit: str = "text", **properties: Any) -> dict[str, Any]:
    """A column of a table with this title; numbers need a unit."""
    return override(field, displayName=title, **UNITS[unit], **properties)


def share_column(field: str, title: str) -> dict[str, Any]:
    """A column of shares, with a text where the denominator is zero."""
    return column(field, title, "share", mappings=[when_null(NO_DOSSIERS)])


def steps(figure: Figure) -> dict[str, Any]:
    """The thresholds of a figure: green where the target is met, orange up to the limit, red beyond."""
    if figure.target is None or figure.limit is None:
        return {"mode": "absolute", "steps": [{"color": NEUTRAL, "value": None}]}
    if figure.better == "higher":
        ladder = [(RED, None), (ORANGE, figure.limit), (GREEN, figure.target)]
    else:
        # A step begins with its value, and the target itself is still met.
        ladder = [(GREEN, None), (ORANGE, _above(figure, figure.target)), (RED, _above(figure, figure.limit))]
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for color, value in ladder]}


def when_null(text: str, color: str = NEUTRAL) -> dict[str, Any]:
    """A mapping that shows a NULL as this text, by default in a neutral colour."""
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": text, "color": color, "index": 9}}}


STATUS_LABELS: dict[Literal["met", "watch", "missed"], tuple[str, str]] = {
    "met": ("ĐẠT / met", GREEN),
    "watch": ("CHÚ Ý / watch", ORANGE),
    "missed": ("CHƯA ĐẠT / missed", RED),
}
"""The meaning of the colours in words, for viewers who cannot tell red from green."""


def status_mappings(figure: Figure, empty: str = NO_DOSSIERS, empty_color: str = NEUTRAL) -> list[dict[str, Any]]:
    """Mappings that show the status of a figure's value as a word."""
    mappings = [when_null(empty, empty_color)]
    if figure.target is None or figure.limit is None:
        return mappings
    if figure.better == "higher":
        far, close = (_below(figure, edge) for edge in (figure.limit, figure.target))
        ranges = [("missed", None, far), ("watch", figure.limit, close), ("met", figure.target, None)]
    else:
        far, close = (_above(figure, edge) for edge in (figure.limit, figure.target))
        ranges = [("met", None, figure.target), ("watch", close, figure.limit), ("missed", far, None)]
    for index, (name, low, high) in enumerate(ranges):
        text, color = STATUS_LABELS[name]  # type: ignore[index]  # the names above are its keys
        result = {"text": text, "color": color, "index": index}
        mappings.append({"type": "range", "options": {"from": low, "to": high, "result": result}})
    return mappings


def _above(figure: Figure, edge: float) -> float:
    return edge + (1e-9 if figure.unit == "share" else 1)


def _below(figure: Figure, edge: float) -> float:
    return edge - (1e-9 if figure.unit == "share" else 1)
