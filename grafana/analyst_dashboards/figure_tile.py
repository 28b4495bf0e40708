"""A figure as one number, coloured by its target."""

from grafana.panels import NEUTRAL, NO_DATA, NO_DOSSIERS, UNITS, Panel, override, stat, steps, when_null
from grafana.thresholds import Figure, target_text


def tile(figure: Figure, sql: str, link: str = "", *, empty: str = "", empty_color: str = NEUTRAL) -> Panel:
    """The one column of the query, which is this figure; `link` is where it leads.

    A NULL shows `empty` in its own colour: an unknown value is neither good nor bad, or a warning.
    """
    empty = empty or (NO_DOSSIERS if figure.unit == "share" else NO_DATA)
    shown = stat(
        f"{figure.vietnamese} / {figure.english}",
        f"{figure.description} {target_text(figure)}.",
        sql,
        defaults=UNITS[figure.unit]
        | {
            "noValue": NO_DATA,
            "thresholds": steps(figure),
            "color": {"mode": "thresholds"},
            # Where the data source does not answer, these are all that Grafana knows.
            "mappings": [when_null(NO_DATA)],
        },
        overrides=[override(figure.name, mappings=[when_null(empty, empty_color)])],
        text_mode="value",
    )
    return shown | {"links": [{"title": "Chi tiết / Details", "url": link}]} if link else shown
