"""Panels in Grafana's classic JSON, each by one small function; the dashboard gives places and ids."""

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
UNITS = {"count": "locale", "share": "percentunit"}


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
    """A panel of any kind; `defaults` holds of every field, and must name a unit."""
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
    title_size: int = 26,
    value_size: int = 80,
    text_mode: str = "value_and_name",
    color_mode: str = "background_solid",
) -> Panel:
    """Every column of the last row side by side; a NULL shows what `noValue` and the mappings say."""
    options = {
        "colorMode": color_mode,
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "vertical",
        "textMode": text_mode,
        "wideLayout": True,
        "showPercentChange": False,
        "text": {"titleSize": title_size, "valueSize": value_size},
        # Not lastNotNull: a NULL must never be covered by an older value. Fields would be chosen by the name they are
        # shown under, which a title changes: SQL chooses them, and all are shown, strings too.
        "reduceOptions": {"calcs": ["last"], "fields": "/.*/", "values": False},
    }
    return panel("stat", title, description, [target(sql)], defaults=defaults, options=options, overrides=overrides)


def table(
    title: str,
    description: str,
    sql: str,
    *,
    overrides: Sequence[dict[str, Any]] = (),
    defaults: dict[str, Any] | None = None,
) -> Panel:
    """The rows as they come: sort and limit them in SQL."""
    options = {"cellHeight": "md", "showHeader": True, "footer": {"show": False, "reducer": [], "fields": ""}}
    plain = {"unit": "none", "noValue": NO_DATA, "custom": {"align": "auto", "cellOptions": {"type": "auto"}}}
    return panel(
        "table",
        title,
        description,
        [target(sql)],
        defaults=plain | (defaults or {}),
        options=options,
        overrides=overrides,
    )


def series(title: str, description: str, sql: str, *, defaults: dict[str, Any] | None = None) -> Panel:
    """Lines over time: the first column is an ascending time, strings name series, numbers are values."""
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    plain = {"unit": "none", "noValue": NO_DATA, "custom": {"lineWidth": 2, "fillOpacity": 10, "showPoints": "auto"}}
    return panel(
        "timeseries",
        title,
        description,
        [target(sql, TIME_SERIES)],
        defaults=plain | (defaults or {}),
        options=options,
    )


def bars(title: str, description: str, sql: str, *, empty: str = NO_DATA) -> Panel:
    """A bar for each row: its string is the name, its number the length."""
    options = {
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "showUnfilled": True,
        "reduceOptions": {"calcs": ["last"], "fields": "", "values": True},
    }
    defaults = {"unit": "locale", "noValue": empty, "min": 0, "color": {"mode": "continuous-GrYlRd"}}
    return panel("bargauge", title, description, [target(sql)], defaults=defaults, options=options)


def override(field: str, **properties: Any) -> dict[str, Any]:
    """Properties of one field; a dot in their names is written as two underscores: `custom__width`."""
    return {
        "matcher": {"id": "byName", "options": field},
        "properties": [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()],
    }


def share_column(field: str, title: str) -> dict[str, Any]:
    """A column of shares, which says so where there is nothing to divide by."""
    return override(field, displayName=title, unit="percentunit", decimals=1, mappings=[when_null(NO_DOSSIERS)])


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
    """A mapping that shows a NULL as this text, in a colour that says neither good nor bad unless told."""
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": text, "color": color, "index": 9}}}


WORDS: dict[Literal["met", "watch", "missed"], tuple[str, str]] = {
    "met": ("ĐẠT / met", GREEN),
    "watch": ("CHÚ Ý / watch", ORANGE),
    "missed": ("CHƯA ĐẠT / missed", RED),
}
"""What colours say, in words: nobody needs to tell red from green."""


def words(figure: Figure, empty: str = NO_DOSSIERS, empty_color: str = NEUTRAL) -> list[dict[str, Any]]:
    """Mappings that show a value of the figure as a word."""
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
        text, color = WORDS[name]  # type: ignore[index]  # the names above are its keys
        result = {"text": text, "color": color, "index": index}
        mappings.append({"type": "range", "options": {"from": low, "to": high, "result": result}})
    return mappings


def _above(figure: Figure, edge: float) -> float:
    return edge + (1 if figure.unit == "count" else 1e-9)


def _below(figure: Figure, edge: float) -> float:
    return edge - (1 if figure.unit == "count" else 1e-9)
