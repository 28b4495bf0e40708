"""One dossier: its current state, and all of its events and alerts."""

from grafana.code_labels import (
    CHANNELS,
    ENDS,
    FIELDS,
    KINDS,
    METHODS,
    RULES,
    STANDINGS,
    STATES,
    STATUSES,
    label_mappings,
    label_sql,
    level_mappings,
)
from grafana.dashboard_layout import SITE_ZONE, Dashboard, at, dashboard
from grafana.panels import column, table
from grafana.reference_names import agency_code, agency_name, procedure_name, with_code
from grafana.sql_queries import query
from grafana.variables import TO_OTHERS, agency_columns, named_columns, text_variable

_NAMES = {
    "agency_code": agency_code("agency"),
    "agency_name": agency_name("agency"),
    "procedure_name": procedure_name("procedure"),
}


def dossier() -> Dashboard:
    """The dossier whose number is typed, or from which a link came; else the one that was alerted last."""
    return dashboard(
        "dossiers-dossier",
        "Một hồ sơ / One dossier",
        "The state and the history of one dossier, down to the Kafka record of each event; without a number, of the "
        "one that was alerted last. It names no person.",
        [
            at(
                0,
                0,
                24,
                7,
                table(
                    "Hiện trạng / As of now",
                    "The current state of the dossier, from all of its events.",
                    query(
                        "dossier_now",
                        receiver_code=agency_code("receiver"),
                        receiver_name=agency_name("receiver"),
                        **_NAMES,
                    ),
                    overrides=[*agency_columns(), *_NOW],
                ),
            ),
            at(
                0,
                7,
                24,
                13,
                table(
                    "Diễn biến / History",
                    "Every event, in the order of occurrence, with its Kafka partition and offset.",
                    query(
                        "dossier_events",
                        field_in_words=label_sql("field", FIELDS),
                        channel_in_words=label_sql("text", CHANNELS),
                        method_in_words=label_sql("text", METHODS),
                        agency_in_words=with_code(agency_name("text"), "text"),
                        procedure_in_words=with_code(procedure_name("text"), "text"),
                        zone=SITE_ZONE,
                    ),
                    overrides=_EVENTS,
                ),
            ),
            at(
                0,
                20,
                24,
                6,
                table(
                    "Cảnh báo / Alerts",
                    "Alerts raised and cleared for this dossier: due soon and overdue.",
                    query("dossier_alerts", agency_code=_NAMES["agency_code"], agency_name=_NAMES["agency_name"]),
                    overrides=[*agency_columns(), *_ALERTS],
                ),
            ),
        ],
        variables=[text_variable("dossier", "Mã hồ sơ / Dossier")],
        links=TO_OTHERS,
        tags=["analyst"],
    )


_BY_RULE = {"by_instant": "instant", "by_date": "date", "by_766": "decision 766", "by_report_form": "report form"}
_NOW = (
    *agency_columns("receiver", "Nơi tiếp nhận / Receiver"),
    column("status", "Trạng thái / Status", mappings=label_mappings(STATUSES)),
    *named_columns("procedure", "Thủ tục / Procedure"),
    column("channel", "Kênh nộp / Channel", mappings=label_mappings(CHANNELS)),
    column("received_at", "Tiếp nhận / Received"),
    column("term", "Hạn hẹn trả / Term as sent"),
    column("due_at", "Hạn còn lại / Due"),
    column("outcome_at", "Kết quả lúc / Outcome"),
    column("in_time", "Đúng hạn / In time"),
    *(column(name, RULES[rule], mappings=label_mappings(STANDINGS)) for name, rule in _BY_RULE.items()),
    column("extensions", "Gia hạn / Extensions", "count"),
    column("supplements", "Bổ sung / Supplements", "count"),
    column("paid_amount", "Đã nộp / Paid", "money"),
)
_EVENTS = (
    column("occurred_at", "Xảy ra lúc / Occurred"),
    column("recorded_at", "Ghi nhận lúc / Recorded"),
    column("kind", "Sự kiện / Event", mappings=label_mappings(KINDS)),
    column("source", "Nguồn / Source"),
    column("content", "Nội dung / Content"),
    column("place", "Kafka"),
)
_ALERTS = (
    column("at", "Lúc / At"),
    column("state", "Trạng thái / State", mappings=label_mappings(STATES)),
    column("level", "Mức / Level", mappings=level_mappings()),
    column("why", "Lý do / Why", mappings=label_mappings(ENDS)),
    column("rule", "Quy tắc / Rule"),
    column("term", "Hạn trả / Term"),
    column("deadline", "Thời điểm cuối / Deadline"),
)
