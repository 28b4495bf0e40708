"""Variables that a viewer selects on a dashboard, and links that pass them to another dashboard."""

from collections.abc import Mapping
from typing import Any

from grafana.dashboard_layout import TAG
from grafana.panels import DATASOURCE, column
from grafana.sql_queries import ALL, query

Variable = dict[str, Any]


def agencies(*, several: bool) -> Variable:
    """The agency, or several of them or all, by name."""
    found: Variable = {
        "type": "query",
        "name": "agency",
        "label": "Đơn vị / Agency",
        "datasource": DATASOURCE,
        "query": query("agencies"),
        "definition": query("agencies"),
        "refresh": 2,
        "sort": 0,
        "multi": several,
        "includeAll": several,
        "options": [],
    }
    return found | {"current": {"text": "All", "value": [ALL]}} if several else found


def choice_variable(name: str, label: str, choices: Mapping[str, str]) -> Variable:
    """A variable with one of these values, each with its label; the first is the default."""
    first = next(iter(choices))
    return {
        "type": "custom",
        "name": name,
        "label": label,
        # A comma in a text would begin the next choice.
        "query": ", ".join(f"{text.replace(',', chr(92) + ',')} : {value}" for value, text in choices.items()),
        "multi": False,
        "includeAll": False,
        "options": [{"text": text, "value": value, "selected": value == first} for value, text in choices.items()],
        "current": {"text": choices[first], "value": first},
    }


def text_variable(name: str, label: str) -> Variable:
    """A variable that is typed as text."""
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "query": "",
        "current": {"text": "", "value": ""},
        "options": [],
    }


PERIOD = choice_variable(
    "period",
    "Kỳ / Period",
    {
        "month": "Tháng này / This month",
        "quarter": "Quý này / This quarter",
        "year": "Năm nay / This year",
        "day": "Hôm nay / Today",
    },
)

TO_OTHERS = [
    {
        "type": "dashboards",
        "title": "Bảng khác / Other dashboards",
        "tags": [TAG],
        "asDropdown": True,
        "includeVars": False,
        "keepTime": False,
        "targetBlank": False,
        "icon": "external link",
        "url": "",
        "tooltip": "",
    }
]
"""A menu of all dashboards of ours."""


def agency_column() -> dict[str, Any]:
    """The column `agency`, each value linked to the dashboard of that agency."""
    return _linked("agency", "Đơn vị / Agency", "dossiers-agency")


def dossier_column() -> dict[str, Any]:
    """The column `dossier`, each value linked to the history of that dossier."""
    return _linked("dossier", "Hồ sơ / Dossier", "dossiers-dossier")


def _linked(field: str, title: str, uid: str) -> dict[str, Any]:
    link = {"title": title, "url": f"/d/{uid}?var-{field}=${{__value.raw:percentencode}}", "targetBlank": False}
    return column(field, title, links=[link])
