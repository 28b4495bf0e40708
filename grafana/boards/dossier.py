"""One dossier: what it is now, and everything that was ever said of it."""

from grafana.dashboard import Dashboard, at, dashboard
from grafana.panels import override, table
from grafana.sql import query
from grafana.variables import TO_OTHERS, agency_column, typed


def dossier() -> Dashboard:
    """The dossier whose number is typed, or from which a link came; else the one that was alerted last."""
    place = [override(name, displayName=title) for name, title in _PLACES.items()]
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
                    "What the events of the dossier add up to.",
                    query("dossier_now"),
                    overrides=[agency_column(), *(override(name, displayName=title) for name, title in _NOW.items())],
                ),
            ),
            at(
                0,
                7,
                24,
                13,
                table(
                    "Diễn biến / History",
                    "Every event as it came, in the order in which it happened, and where it stands on Kafka.",
                    query("dossier_events"),
                    overrides=place,
                ),
            ),
            at(
                0,
                20,
                24,
                6,
                table(
                    "Cảnh báo / Alerts",
                    "What was said of the dossier as late or soon late.",
                    query("dossier_alerts"),
                    overrides=[
                        agency_column(),
                        *(override(name, displayName=title) for name, title in _ALERTS.items()),
                    ],
                ),
            ),
        ],
        variables=[typed("dossier", "Mã hồ sơ / Dossier")],
        links=TO_OTHERS,
        tags=["analyst"],
    )


_NOW = {
    "status": "Trạng thái / Status",
    "procedure": "Thủ tục / Procedure",
    "channel": "Kênh nộp / Channel",
    "received_at": "Tiếp nhận / Received",
    "term": "Hạn trả / Term",
    "outcome_at": "Kết quả lúc / Outcome",
    "in_time": "Đúng hạn / In time",
    "extensions": "Gia hạn / Extensions",
    "supplements": "Bổ sung / Supplements",
    "paid_amount": "Đã nộp / Paid",
}
_PLACES = {
    "occurred_at": "Xảy ra lúc / Occurred",
    "recorded_at": "Ghi nhận lúc / Recorded",
    "kind": "Sự kiện / Event",
    "source": "Nguồn / Source",
    "payload": "Nội dung / Content",
    "place": "Kafka",
}
_ALERTS = {
    "at": "Lúc / At",
    "state": "Trạng thái / State",
    "level": "Mức / Level",
    "why": "Lý do / Why",
    "term": "Hạn trả / Term",
}
