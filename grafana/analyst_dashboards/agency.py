"""One agency: its figures of a period, how they moved, and what waits there for how long."""

from grafana.analyst_dashboards.figure_tile import tile
from grafana.dashboard_layout import Dashboard, at, dashboard
from grafana.panels import NO_DATA, NO_DOSSIERS, Panel, bars, column, series, share_column, table, when_null
from grafana.sql_queries import only, query
from grafana.thresholds import AGENCY_OVERDUE, DUE_SOON, ON_TIME, ONLINE, ONLINE_PAYMENT, OPEN, RECEIVED, SATISFACTION
from grafana.variables import PERIOD, TO_OTHERS, agencies

_AGES = (
    ("from_90", "từ 90 ngày / 90 days or more", "dark-red"),
    ("from_30", "30–90 ngày / days", "red"),
    ("from_15", "15–30 ngày / days", "dark-orange"),
    ("from_5", "5–15 ngày / days", "dark-yellow"),
    ("under_5", "dưới 5 ngày / under 5 days", "dark-green"),
)
"""The classes of age, the oldest and reddest first."""
_LATE = "/d/dossiers-late?var-agency=${agency:percentencode}"


def agency() -> Dashboard:
    """The dashboard of the agency that is chosen."""
    waiting, counted = query("agency_waiting"), query("agency_figures")
    tiles = [
        *(tile(figure, only(waiting, figure.name), _LATE) for figure in (AGENCY_OVERDUE, DUE_SOON)),
        tile(OPEN, only(waiting, OPEN.name)),
        *(
            tile(figure, only(counted, figure.name))
            for figure in (RECEIVED, ON_TIME, ONLINE, ONLINE_PAYMENT, SATISFACTION)
        ),
    ]
    panels = [at(place % 4 * 6, place // 4 * 4, 6, 4, each) for place, each in enumerate(tiles)]
    panels += [
        at(
            0,
            8,
            16,
            9,
            series(
                "Tiếp nhận và giải quyết theo ngày / Received and resolved a day",
                "Dossiers received, resolved, and resolved late, on each local day.",
                query("agency_days"),
                "count",
            ),
        ),
        at(
            16,
            8,
            8,
            9,
            bars(
                "Tồn đọng theo tuổi / Backlog by age",
                "Open dossiers by days since their reception.",
                query("agency_backlog"),
                _AGES,
                empty=NO_DATA,
            ),
        ),
        at(
            0,
            17,
            8,
            10,
            series(
                "Tỷ lệ đúng hạn theo tháng / On-time rate by month",
                "Resolved on time over resolved, of each local month; a month without any has no point.",
                query("agency_rates"),
                "share",
                bars=True,
                defaults={"min": 0, "max": 1, "noValue": NO_DOSSIERS},
            ),
        ),
        at(8, 17, 16, 10, _procedures()),
    ]
    return dashboard(
        "dossiers-agency",
        "Một đơn vị / One agency",
        "Figures of one agency, their course, its backlog by age and its procedures.",
        panels,
        variables=[agencies(several=False), PERIOD],
        links=TO_OTHERS,
        tags=["analyst"],
        since="now-90d",
    )


def _procedures() -> Panel:
    without_dossiers = [when_null(NO_DOSSIERS)]
    return table(
        "Theo thủ tục / By procedure",
        "Dossiers received in the time range: what is open, and how many days the resolved ones took.",
        query("agency_procedures"),
        overrides=[
            column("procedure", "Thủ tục / Procedure"),
            column("received", "Tiếp nhận / Received", "count"),
            column("open", "Đang giải quyết / Open", "count"),
            column("overdue", "Quá hạn / Overdue", "count"),
            share_column("on_time_rate", "Đúng hạn / On time"),
            column("median_days", "Trung vị ngày / Median days", "days", mappings=without_dossiers),
            column("p90_days", "P90 ngày / P90 days", "days", mappings=without_dossiers),
        ],
    )
