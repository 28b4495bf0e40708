"""A figure as one number, coloured by its target."""

from grafana.panels import NO_DATA, NO_DOSSIERS, UNITS, Panel, stat, steps, when_null
from grafana.thresholds import Figure, target_text


def tile(figure: Figure, sql: str, link: str = "") -> Panel:
    """The one column of the query, which is this figure; `link` is where it leads."""
    empty = NO_DOSSIERS if figure.unit == "share" else NO_DATA
    shown = stat(
        f"{figure.vietnamese} / {figure.english}",
        f"{figure.description} {target_text(figure)}.",
        sql,
        defaults={
            "unit": UNITS[figure.unit],
            "decimals": 1 if figure.unit == "share" else 0,
            "noValue": empty,
            "thresholds": steps(figure),
            "color": {"mode": "thresholds"},
            "mappings": [when_null(empty)],
        },
        value_size=40,
        text_mode="value",
    )
    return shown | {"links": [{"title": "Chi tiết / Details", "url": link}]} if link else shown
