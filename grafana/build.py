"""Writes everything that Grafana gets as files; the same code always gives the same bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from grafana.alert_rules import provisioning
from grafana.analyst_dashboards.agency import agency
from grafana.analyst_dashboards.dossier import dossier
from grafana.analyst_dashboards.late import late
from grafana.analyst_dashboards.payments import payments
from grafana.analyst_dashboards.pipeline import pipeline
from grafana.analyst_dashboards.procedures import procedures
from grafana.analyst_dashboards.ranking import ranking
from grafana.analyst_dashboards.rules import rules
from grafana.dashboard_layout import Dashboard
from grafana.wallboards import PERIODS, playlist, wallboard

FOLDER = Path(__file__).parent
"""Where the files are committed: beside the code that makes them."""

WALLBOARDS: tuple[Dashboard, ...] = tuple(map(wallboard, PERIODS))
DASHBOARDS: tuple[Dashboard, ...] = (
    *WALLBOARDS,
    ranking(),
    rules(),
    agency(),
    late(),
    dossier(),
    payments(),
    procedures(),
    pipeline(),
)
"""Every dashboard: what is listed here is built, tested and published."""

_SOURCES: tuple[Callable[[], dict[str, Any]], ...] = (
    lambda: {f"dashboards/{board['uid']}.json": board for board in DASHBOARDS},
    lambda: {"playlists/wall.json": playlist()},
    lambda: {"provisioning/alerting/rules.yaml": provisioning()},
)


def artefacts() -> dict[str, str]:
    """Every generated file by its path below the folder, in JSON; YAML files hold JSON too, which is YAML."""
    found: dict[str, str] = {}
    for source in _SOURCES:
        for path, document in source().items():
            found[path] = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    return found


def differing(folder: Path = FOLDER) -> list[str]:
    """The paths of files that are missing, out of date, or no longer generated."""
    made = artefacts()
    stale = {path for path in made if not (folder / path).exists() or (folder / path).read_text("utf-8") != made[path]}
    return sorted(stale | (_generated(folder) - made.keys()))


def build(folder: Path = FOLDER) -> list[str]:
    """Write the files that differ, remove those no longer generated, and return the paths of both."""
    made = artefacts()
    changed = differing(folder)
    for path in changed:
        if path not in made:
            (folder / path).unlink()
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(made[path], "utf-8")
    return changed


def _generated(folder: Path) -> set[str]:
    """The files in folders that hold only generated files."""
    return {path.relative_to(folder).as_posix() for path in folder.glob("dashboards/*.json")}
