"""Variables that a viewer selects on a dashboard, and links that pass them to another dashboard."""

from collections.abc import Mapping
from typing import Any

from grafana.dashboard_layout import TAG
from grafana.panels import column, override

Variable = dict[str, Any]


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


def agency_columns(code: str = "agency", title: str = "Đơn vị / Agency") -> tuple[dict[str, Any], dict[str, Any]]:
    """The column of an agency's name, linked to the dashboard of that agency, and the hidden column of its code."""
    return named_columns(code, title, links=[_link("agency", title, f"__data.fields.{code}")])


def named_columns(code: str, title: str, **properties: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The column `<code>_name`, whose tooltip is the code, and the column of the code, which is hidden."""
    return (
        column(f"{code}_name", title, custom__tooltip__field=code, **properties),
        # Where there is no code, a link names none: the dash of an empty cell would be one.
        override(code, custom__hideFrom__viz=True, noValue=""),
    )


def dossier_column() -> dict[str, Any]:
    """The column `dossier`, each value linked to the history of that dossier."""
    title = "Hồ sơ / Dossier"
    return column("dossier", title, links=[_link("dossier", title, "__value.raw")])


def _link(board: str, title: str, value: str) -> dict[str, Any]:
    """A link to `dossiers-<board>` whose variable of that name has this value of the row."""
    url = f"/d/dossiers-{board}?var-{board}=${{{value}:percentencode}}"
    return {"title": title, "url": url, "targetBlank": False}
