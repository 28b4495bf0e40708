"""Dossiers that are late, and those that will be soon: each leads to its history."""

from grafana.agency_scope import agency_variables, is_in_scope
from grafana.analyst_dashboards.figure_tile import tile
from grafana.code_labels import STATUSES, label_mappings
from grafana.dashboard_layout import Dashboard, at, dashboard
from grafana.panels import bars, column, table
from grafana.reference_names import agency_code, agency_name, procedure_name
from grafana.sql_queries import only, query
from grafana.thresholds import AGENCY_OVERDUE, DUE_SOON
from grafana.variables import TO_OTHERS, agency_columns, dossier_column, named_columns

_URGENCY = (
    ("overdue_days", "Quá hạn nhiều ngày / Overdue for days", "dark-red"),
    ("overdue", "Quá hạn / Overdue", "red"),
    ("due", "Sắp đến hạn / Due soon", "dark-orange"),
)
"""The levels of alerts, whatever a deployment calls them, the most urgent first."""
_CHOSEN = is_in_scope("agency")
_NAMES = {
    "agency_code": agency_code("agency"),
    "agency_name": agency_name("agency"),
    "procedure_name": procedure_name("procedure"),
}


def late() -> Dashboard:
    """Late and soon-late dossiers of the agencies that are chosen, the most urgent first."""
    counts = query("late_counts", agency_is_chosen=_CHOSEN)
    columns = [
        dossier_column(),
        *agency_columns(),
        *named_columns("procedure", "Thủ tục / Procedure"),
        column("status", "Trạng thái / Status", mappings=label_mappings(STATUSES)),
        column("unit", "Bộ phận / Unit"),
        column("due_at", "Hạn trả / Due"),
        column("extensions", "Gia hạn / Extensions", "count"),
    ]
    return dashboard(
        "dossiers-late",
        "Hồ sơ quá hạn và sắp đến hạn / Late and soon-late dossiers",
        "Open dossiers that are overdue by the leading rule, and those that are due within three days.",
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
                    _URGENCY,
                    empty="chưa có cảnh báo / no alerts yet",
                ),
            ),
            at(
                0,
                5,
                24,
                11,
                table(
                    "Quá hạn / Overdue",
                    "Open dossiers that are overdue by the leading rule, the longest first; at most 500.",
                    query("late_overdue", agency_is_chosen=_CHOSEN, **_NAMES),
                    overrides=[
                        *columns,
                        column("days_overdue", "Số ngày quá hạn / Days overdue", "days"),
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
                    "Open dossiers that are due within three days by the leading rule, the next first; at most 500.",
                    query("late_soon", agency_is_chosen=_CHOSEN, **_NAMES),
                    overrides=[*columns, column("days_left", "Số ngày còn lại / Days left", "days")],
                ),
            ),
        ],
        variables=agency_variables(),
        links=TO_OTHERS,
        tags=["analyst"],
    )
