"""Procedures: how dossiers fare by field and by procedure, and what is offered and used online."""

from typing import Any

from grafana.agency_scope import agency_variables, is_in_scope
from grafana.code_labels import SERVICE_LEVELS, label_mappings
from grafana.dashboard_layout import Dashboard, at, dashboard
from grafana.panels import NO_DOSSIERS, column, share_column, table, when_null
from grafana.reference_names import procedure_field, procedure_name
from grafana.sql_queries import query
from grafana.variables import TO_OTHERS, named_columns

_CHOSEN = is_in_scope("agency")
_FIELD = column("field", "Lĩnh vực / Field")
_WITHOUT_DOSSIERS = [when_null(NO_DOSSIERS)]
FIGURES: tuple[dict[str, Any], ...] = (
    column("received", "Tiếp nhận / Received", "count"),
    share_column("online_rate", "Trực tuyến / Online"),
    column("resolved", "Giải quyết / Resolved", "count"),
    share_column("on_time_rate", "Đúng hạn / On time"),
    column("median_days", "Trung vị ngày / Median days", "days", mappings=_WITHOUT_DOSSIERS),
    column("p90_days", "P90 ngày / P90 days", "days", mappings=_WITHOUT_DOSSIERS),
    column("open", "Đang giải quyết / Open", "count"),
    column("overdue", "Quá hạn / Overdue", "count"),
)


def procedures() -> Dashboard:
    """Figures by field and by procedure of the agencies that are chosen, and procedures by what is offered online."""
    field = f"{procedure_field('procedure')} AS field,"
    by_procedure = f"procedure,\n    {procedure_name('procedure')} AS procedure_name,\n    {field}"
    return dashboard(
        "dossiers-procedures",
        "Thủ tục / Procedures",
        "Figures by field and by procedure, and how many procedures are offered and used online.",
        [
            at(
                0,
                0,
                24,
                8,
                table(
                    "Thủ tục cung cấp trực tuyến / Procedures offered online",
                    "Procedures that are declared and valid today, by how far they are offered online, and how many of "
                    "them were used in the time range: at all, and online.",
                    query("procedure_offers", agency_is_chosen=_CHOSEN),
                    overrides=[
                        column("service_level", "Mức độ / Service level", mappings=label_mappings(_OFFERS)),
                        column("procedures", "Số thủ tục / Procedures", "count"),
                        share_column("procedures_share", "Trên tổng số / Of all"),
                        column("used", "Có hồ sơ / Used", "count"),
                        share_column("used_share", "Tỷ lệ có hồ sơ / Used of these"),
                        column("used_online", "Có hồ sơ trực tuyến / Used online", "count"),
                        share_column("used_online_share", "Tỷ lệ trực tuyến / Used online of these"),
                    ],
                ),
            ),
            at(
                0,
                8,
                24,
                10,
                table(
                    "Theo lĩnh vực / By field",
                    "Dossiers received and resolved in the time range by field, how many days the resolved ones took, "
                    "and all that waits as of now; at most 500.",
                    query("procedures", columns=field, keys="field", agency_is_chosen=_CHOSEN),
                    overrides=[_FIELD, *FIGURES],
                ),
            ),
            at(
                0,
                18,
                24,
                14,
                table(
                    "Theo thủ tục / By procedure",
                    "The same by procedure, the most frequent first; at most 500.",
                    query("procedures", columns=by_procedure, keys="procedure", agency_is_chosen=_CHOSEN),
                    overrides=[*named_columns("procedure", "Thủ tục / Procedure"), _FIELD, *FIGURES],
                ),
            ),
        ],
        variables=agency_variables(),
        links=TO_OTHERS,
        tags=["analyst"],
        since="now-365d",
    )


_OFFERS = {
    "all": "tất cả / all",
    "online": "trực tuyến, mọi mức độ / online, of any level",
    **SERVICE_LEVELS,
}
