"""The pipeline's own health: how far it is behind, how fresh its figures are, what it could not count."""

from grafana.boards.figures import tile
from grafana.dashboard import Dashboard, at, dashboard
from grafana.panels import override, series, table
from grafana.sql import only, query
from grafana.thresholds import DEAD_RATIO, DIFFERENCES, LAG, Figure
from grafana.variables import TO_OTHERS

WORKERS = Figure(
    "workers", "Tiến trình đang chạy", "Workers", "Workers that said something in the last minute.", "count"
)


def pipeline() -> Dashboard:
    """What workers and audits wrote down; what more there is, `dossier work --metrics` tells Prometheus."""
    seconds = {"unit": "s"}
    return dashboard(
        "dossiers-pipeline",
        "Tình trạng hệ thống / Pipeline health",
        "Lag, freshness, inserts, dead letters, sources and audits.",
        [
            at(0, 0, 6, 5, tile(LAG, only(query("alert_lag"), "value AS lag_seconds"))),
            at(6, 0, 6, 5, tile(WORKERS, query("pipeline_workers"))),
            at(12, 0, 6, 5, tile(DEAD_RATIO, only(query("alert_dead_letters"), "value AS dead_ratio"))),
            at(18, 0, 6, 5, tile(DIFFERENCES, only(query("alert_audit"), "value AS differences"))),
            at(
                0,
                5,
                8,
                9,
                series(
                    "Độ trễ / Lag",
                    "Seconds for which the oldest event that is not counted waits, the longest of all workers.",
                    query("pipeline_lag"),
                    defaults=seconds,
                ),
            ),
            at(
                8,
                5,
                8,
                9,
                series(
                    "Sự kiện đang chờ và đã đếm / Events waiting and counted",
                    "Events not counted yet, estimated, of all workers; and events counted a second.",
                    query("pipeline_events"),
                    defaults={"unit": "locale"},
                ),
            ),
            at(
                16,
                5,
                8,
                9,
                series(
                    "Độ mới và thời gian ghi / Freshness and inserts",
                    "Seconds from a record's timestamp until it was counted, and of an insert: median and 99 of 100, "
                    "of the worker that is worst.",
                    query("pipeline_freshness"),
                    defaults=seconds,
                ),
            ),
            at(
                0,
                14,
                12,
                12,
                table(
                    "Nguồn dữ liệu / Sources",
                    "The newest event of each source, and its age.",
                    query("pipeline_sources"),
                    overrides=[
                        override("source", displayName="Nguồn / Source"),
                        override("occurred_at", displayName="Xảy ra lúc / Occurred"),
                        override("published_at", displayName="Gửi lúc / Published"),
                        override("age_seconds", displayName="Tuổi / Age", unit="s", decimals=0),
                    ],
                ),
            ),
            at(
                12,
                14,
                12,
                6,
                table(
                    "Bản ghi bị loại / Dead letters",
                    "Lines that could not be counted and wait for a decision, by reason and source.",
                    query("pipeline_letters"),
                    overrides=[
                        override("reason", displayName="Lý do / Reason"),
                        override("source", displayName="Nguồn / Source"),
                        override("letters", displayName="Số lượng / Letters", unit="locale"),
                        override("latest", displayName="Mới nhất / Latest"),
                    ],
                ),
            ),
            at(
                12,
                20,
                12,
                6,
                table(
                    "Kiểm toán / Audits",
                    "The last audits, and how many differences each found.",
                    query("pipeline_audits"),
                    overrides=[
                        override("at", displayName="Lúc / At"),
                        override("scope", displayName="Phạm vi / Scope"),
                        override("differences", displayName="Sai lệch / Differences", unit="locale"),
                        override("unconfirmed", displayName="Chưa xác nhận / Unconfirmed", unit="locale"),
                        override("conflicts", displayName="Mâu thuẫn / Conflicts", unit="locale"),
                        override("dossiers", displayName="Hồ sơ / Dossiers", unit="locale"),
                        override("seconds", displayName="Thời gian / Took", unit="s", decimals=1),
                    ],
                ),
            ),
        ],
        links=TO_OTHERS,
        tags=["analyst"],
        since="now-3h",
        refresh="30s",
    )
