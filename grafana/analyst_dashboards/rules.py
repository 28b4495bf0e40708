"""The four rules of being on time side by side: for all chosen agencies together, and for each."""

from typing import Any

from grafana.agency_scope import agency_variables, is_in_scope
from grafana.code_labels import RULES, label_mappings
from grafana.dashboard_layout import Dashboard, at, dashboard
from grafana.panels import NEUTRAL, NO_DATA, UNITS, Panel, column, share_column, stat, table, when_null
from grafana.reference_names import agency_name
from grafana.sql_queries import query
from grafana.variables import PERIOD, TO_OTHERS, agency_columns

_CHOSEN = is_in_scope("agency")
_COUNTED = (
    column("received_online", "(4) Trực tuyến / Online", "count"),
    column("received_otherwise", "(5) Trực tiếp, bưu chính / Otherwise", "count"),
    column("carried_over", "(6) Kỳ trước chuyển sang / Carried over", "count"),
    column("dossiers", "(3) Tổng số / In all", "count"),
    column("ended", "Đã kết thúc / Ended", "count"),
    column("early", "(8) Trước hạn / Early", "count"),
    column("on_time", "(9) Đúng hạn / On time", "count"),
    column("late", "(10) Quá hạn / Late", "count"),
    column("pending", "Chưa kết thúc / Pending", "count"),
    column("in_term", "(12) Trong hạn / In term", "count"),
    column("overdue", "(13) Quá hạn / Overdue", "count"),
    share_column("kept_rate", "Giữ hạn / Kept"),
)


def rules() -> Dashboard:
    """What the same dossiers are by each rule; the numbers in brackets are the columns of the report form."""
    return dashboard(
        "dossiers-rules",
        "Bốn quy tắc đúng hạn / Four rules of being on time",
        "The same dossiers of a period by instant, by date, by Decision 766 and by the report form.",
        [
            at(0, 0, 24, 3, _leading()),
            at(
                0,
                3,
                24,
                7,
                _figures(
                    "Các đơn vị được chọn / The chosen agencies",
                    {"keys": "", "grouped": "", "order": ""},
                    [],
                ),
            ),
            at(
                0,
                10,
                24,
                18,
                _figures(
                    "Từng đơn vị / Each agency",
                    {
                        "keys": f"agency,\n    {agency_name('agency')} AS agency_name,",
                        "grouped": "agency,",
                        "order": "agency_name, agency,",
                    },
                    list(agency_columns()),
                ),
            ),
        ],
        variables=[PERIOD, *agency_variables()],
        links=TO_OTHERS,
        tags=["analyst"],
    )


def _leading() -> Panel:
    return stat(
        "Các bảng khác so hạn theo / Elsewhere terms are compared by",
        "The leading rule, which the profile of the deployment names.",
        query("leading_rule"),
        defaults=UNITS["text"]
        | {"noValue": NO_DATA, "color": {"mode": "fixed", "fixedColor": NEUTRAL}, "mappings": [when_null(NO_DATA)]},
        text_mode="value",
    )


def _figures(title: str, keys: dict[str, str], columns: list[dict[str, Any]]) -> Panel:
    return table(
        title,
        "Dossiers received in the chosen period so far or carried over into it, and how they stand now. No figure "
        "mixes two rules. Numbers in brackets are columns of form II.06a/VPCP/KSTT, which counts dossiers that wait "
        "for supplements as on time. Kept: in time or in term, of all.",
        query("rules_by_agency", agency_is_chosen=_CHOSEN, **keys),
        overrides=[*columns, column("rule", "Quy tắc / Rule", mappings=label_mappings(RULES)), *_COUNTED],
    )
