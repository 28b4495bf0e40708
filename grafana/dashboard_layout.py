"""Lays out a dashboard: panels on Grafana's grid of 24 columns, with ids by their order."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from grafana.panels import Panel

Dashboard: TypeAlias = dict[str, Any]

COLUMNS = 24
WALL_ROWS = 27
"""Rows that fill a screen of 1920×1080 with hidden controls; Grafana reserves a line at the bottom."""
_ROW, _GAP = 30, 8
_SCREEN = 1920
_MARGIN = 16
TAG = "dossier-stream"
SCHEMA_VERSION = 42
SITE_ZONE = "Asia/Ho_Chi_Minh"


def pixels(columns: int, rows: int) -> tuple[float, float]:
    """The width and height of a panel of this size, on a screen that is 1920 pixels wide."""
    across = (_SCREEN - 2 * _MARGIN - (COLUMNS - 1) * _GAP) / COLUMNS
    return columns * across + (columns - 1) * _GAP, rows * _ROW + (rows - 1) * _GAP


def at(x: int, y: int, width: int, height: int, panel: Panel) -> Panel:
    """The panel at this position of the grid."""
    return panel | {"gridPos": {"x": x, "y": y, "w": width, "h": height}}


def dashboard(
    uid: str,
    title: str,
    description: str,
    panels: Sequence[Panel],
    *,
    tags: Sequence[str] = (),
    variables: Sequence[dict[str, Any]] = (),
    links: Sequence[dict[str, Any]] = (),
    since: str = "now-24h",
    refresh: str = "1m",
) -> Dashboard:
    """A dashboard of positioned panels; ids follow the order, so that the same code gives the same JSON.

    Titles must be unique in their folder: Grafana stores neither of two dashboards with the same title.
    """
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG, *tags],
        "schemaVersion": SCHEMA_VERSION,
        "version": 0,
        "editable": False,
        "timezone": SITE_ZONE,
        "refresh": refresh,
        "time": {"from": since, "to": "now"},
        "timepicker": {},
        "graphTooltip": 1,
        "fiscalYearStartMonth": 0,
        "annotations": {"list": []},
        "templating": {"list": list(variables)},
        "links": list(links),
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, 1)],
    }
