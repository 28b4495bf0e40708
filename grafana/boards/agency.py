"""One agency: its figures of a period, how they moved, and what waits there for how long."""

from grafana.boards.figures import tile
from grafana.dashboard import Dashboard, at, dashboard
from grafana.panels import NO_DOSSIERS, Panel, bars, override, series, share_column, table, when_null
from grafana.sql import only, query
from grafana.thresholds import AGENCY_OVERDUE, DUE_SOON, ON_TIME, ONLINE, ONLINE_PAYMENT, OPEN, RECEIVED, SATISFACTION
from grafana.variables import PERIOD, TO_OTHERS, agencies

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
    panels = [at(column * 3, 0, 3, 5, each) for column, each in enumerate(tiles)]
    panels += [
        at(
            0,
            5,
            16,
            9,
            series(
                "Tiếp nhận và giải quyết theo ngày / Received and resolved a day",
                "Dossiers received, resolved, and resolved late, on each local day.",
                query("agency_days"),
                defaults={"unit": "locale"},
            ),
        ),
        at(
            16,
            5,
            8,
            9,
            bars(
                "Tồn đọng theo tuổi / Backlog by age",
                "Open dossiers by days since their reception.",
                query("agency_backlog"),
            ),
        ),
        at(
            0,
            14,
            8,
            10,
            series(
                "Tỷ lệ đúng hạn theo tháng / On-time rate by month",
                "Resolved on time over resolved, of each local month; a month without any has no point.",
                query("agency_rates"),
                defaults={"unit": "percentunit", "min": 0, "max": 1, "noValue": NO_DOSSIERS},
            ),
        ),
        at(8, 14, 16, 10, _procedures()),
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
    days = {"unit": "none", "decimals": 1, "mappings": [when_null(NO_DOSSIERS)]}
    return table(
        "Theo thủ tục / By procedure",
        "Dossiers received in the time range: what is open, and how many days the resolved ones took.",
        query("agency_procedures"),
        overrides=[
            override("procedure", displayName="Thủ tục / Procedure"),
            override("received", displayName="Tiếp nhận / Received", unit="locale"),
            override("open", displayName="Đang giải quyết / Open", unit="locale"),
            override("overdue", displayName="Quá hạn / Overdue", unit="locale"),
            share_column("on_time_rate", "Đúng hạn / On time"),
            override("median_days", displayName="Trung vị ngày / Median days", **days),
            override("p90_days", displayName="P90 ngày / P90 days", **days),
        ],
    )
