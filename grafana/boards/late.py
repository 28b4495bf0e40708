"""Dossiers that are late, and those that will be soon: each leads to its history."""

from grafana.boards.figures import tile
from grafana.dashboard import Dashboard, at, dashboard
from grafana.panels import bars, override, table
from grafana.sql import is_chosen, only, query
from grafana.thresholds import AGENCY_OVERDUE, DUE_SOON
from grafana.variables import TO_OTHERS, agencies, agency_column, dossier_column

_CHOSEN = is_chosen("agency", "agency")


def late() -> Dashboard:
    """Late and soon-late dossiers of the agencies that are chosen, the most urgent first."""
    counts = query("late_counts", agency_is_chosen=_CHOSEN)
    columns = [
        dossier_column(),
        agency_column(),
        override("procedure", displayName="Thủ tục / Procedure"),
        override("status", displayName="Trạng thái / Status"),
        override("unit", displayName="Bộ phận / Unit"),
        override("term", displayName="Hạn trả / Term"),
        override("extensions", displayName="Gia hạn / Extensions"),
    ]
    days = {"decimals": 1, "unit": "none"}
    return dashboard(
        "dossiers-late",
        "Hồ sơ quá hạn và sắp đến hạn / Late and soon-late dossiers",
        "Open dossiers past their term, and those whose term is within three days.",
        [
            at(0, 0, 6, 5, tile(AGENCY_OVERDUE, only(counts, "overdue"))),
            at(6, 0, 6, 5, tile(DUE_SOON, only(counts, "due_soon"))),
            at(
                12,
                0,
                12,
                5,
                bars(
                    "Cảnh báo đang mở theo mức / Alerts that stand, by level",
                    "Dossiers with an alert that was raised and not cleared, by its level.",
                    query("late_alerts", agency_is_chosen=_CHOSEN),
                    empty="0",
                ),
            ),
            at(
                0,
                5,
                24,
                11,
                table(
                    "Quá hạn / Overdue",
                    "Open dossiers past their term, the longest first; at most 500.",
                    query("late_overdue", agency_is_chosen=_CHOSEN),
                    overrides=[
                        *columns,
                        override("days_overdue", displayName="Số ngày quá hạn / Days overdue", **days),
                    ],
                ),
            ),
            at(
                0,
                16,
                24,
                10,
                table(
                    "Sắp đến hạn / Soon late",
                    "Open dossiers whose term is within three days, the next first; at most 500.",
                    query("late_soon", agency_is_chosen=_CHOSEN),
                    overrides=[*columns, override("days_left", displayName="Số ngày còn lại / Days left", **days)],
                ),
            ),
        ],
        variables=[agencies(several=True)],
        links=TO_OTHERS,
        tags=["analyst"],
    )
