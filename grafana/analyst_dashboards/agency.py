"""One agency with all below it: figures of a period, how they moved, what waits for how long, and who is below."""

from grafana.agency_scope import SELECTED, agency_variables, is_below_selected
from grafana.analyst_dashboards.figure_tile import tile
from grafana.code_labels import LEVELS, label_mappings
from grafana.dashboard_layout import Dashboard, at, dashboard
from grafana.panels import NO_DATA, NO_DOSSIERS, Panel, bars, column, series, share_column, table, when_null
from grafana.reference_names import agency_name, procedure_name
from grafana.sql_queries import only, query
from grafana.thresholds import AGENCY_OVERDUE, DUE_SOON, ON_TIME, ONLINE, ONLINE_PAYMENT, OPEN, RECEIVED, SATISFACTION
from grafana.variables import PERIOD, TO_OTHERS, agency_columns, named_columns

_AGES = (
    ("from_90", "từ 90 ngày / 90 days or more", "dark-red"),
    ("from_30", "30–90 ngày / days", "red"),
    ("from_15", "15–30 ngày / days", "dark-orange"),
    ("from_5", "5–15 ngày / days", "dark-yellow"),
    ("under_5", "dưới 5 ngày / under 5 days", "dark-green"),
)
"""The classes of age, the oldest and reddest first."""
_CHOSEN = is_below_selected("agency")
_LATE = "/d/dossiers-late?var-agency=${agency:percentencode}"


def agency() -> Dashboard:
    """The dashboard of the agency that is chosen."""
    waiting = query("agency_waiting", agency_is_chosen=_CHOSEN)
    counted = query("agency_figures", agency_is_chosen=_CHOSEN)
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
        at(0, 8, 24, 10, _below()),
        at(
            0,
            18,
            16,
            9,
            series(
                "Tiếp nhận và giải quyết theo ngày / Received and resolved a day",
                "Dossiers received, resolved, and resolved late, on each local day.",
                query("agency_days", agency_is_chosen=_CHOSEN),
                "count",
            ),
        ),
        at(
            16,
            18,
            8,
            9,
            bars(
                "Tồn đọng theo tuổi / Backlog by age",
                "Open dossiers by days since their reception.",
                query("agency_backlog", agency_is_chosen=_CHOSEN),
                _AGES,
                empty=NO_DATA,
            ),
        ),
        at(
            0,
            27,
            8,
            10,
            series(
                "Tỷ lệ đúng hạn theo tháng / On-time rate by month",
                "In time over what ended, by the leading rule, of each local month; a month without any has no point.",
                query("agency_rates", agency_is_chosen=_CHOSEN),
                "share",
                bars=True,
                defaults={"min": 0, "max": 1, "noValue": NO_DOSSIERS},
            ),
        ),
        at(8, 27, 16, 10, _procedures()),
    ]
    return dashboard(
        "dossiers-agency",
        "Một đơn vị / One agency",
        "Figures of one agency with all below it: their course, the backlog by age, the agencies below, procedures.",
        panels,
        variables=[*agency_variables(several=False), PERIOD],
        links=TO_OTHERS,
        tags=["analyst"],
        since="now-90d",
    )


def _below() -> Panel:
    parts = {"all": "toàn bộ / in all", "own": "riêng đơn vị / its own"}
    return table(
        "Đơn vị và cấp dưới / The agency and those below it",
        "The agency with all below it, its own figures, and each agency directly below with all below that, by today's "
        "tree: the chosen period so far, and what waits as of now. Counts after the first row add up to it.",
        query(
            "agency_below",
            chosen=SELECTED,
            agency_places=query("agency_places"),
            agency_is_chosen=_CHOSEN,
            agency_name=agency_name("agency"),
        ),
        overrides=[
            column("part_of", "Cấp / Level", mappings=label_mappings({**parts, **LEVELS})),
            *agency_columns(),
            column("received", "Tiếp nhận / Received", "count"),
            share_column("online_rate", "Trực tuyến / Online"),
            column("resolved", "Giải quyết / Resolved", "count"),
            share_column("on_time_rate", "Đúng hạn / On time"),
            share_column("online_payment_rate", "Nộp trực tuyến / Paid online"),
            share_column("satisfaction_rate", "Hài lòng / Satisfied"),
            column("open", "Đang giải quyết / Open", "count"),
            column("overdue", "Quá hạn / Overdue", "count"),
        ],
    )


def _procedures() -> Panel:
    without_dossiers = [when_null(NO_DOSSIERS)]
    return table(
        "Theo thủ tục / By procedure",
        "Dossiers received in the time range: what is open, and how many days the resolved ones took.",
        query("agency_procedures", agency_is_chosen=_CHOSEN, procedure_name=procedure_name("procedure")),
        overrides=[
            *named_columns("procedure", "Thủ tục / Procedure"),
            column("received", "Tiếp nhận / Received", "count"),
            column("open", "Đang giải quyết / Open", "count"),
            column("overdue", "Quá hạn / Overdue", "count"),
            share_column("on_time_rate", "Đúng hạn / On time"),
            column("median_days", "Trung vị ngày / Median days", "days", mappings=without_dossiers),
            column("p90_days", "P90 ngày / P90 days", "days", mappings=without_dossiers),
        ],
    )
