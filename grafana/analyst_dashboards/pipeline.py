"""The health of the pipeline: lag, freshness, dead letters, sources and audits."""

from grafana.analyst_dashboards.figure_tile import tile
from grafana.code_labels import REASONS, label_mappings
from grafana.dashboard_layout import Dashboard, at, dashboard
from grafana.panels import ORANGE, RED, Panel, column, series, table
from grafana.sql_queries import only, query
from grafana.thresholds import AUDIT_AGE, DATA_AGE, DEAD_RATIO, DIFFERENCES, LAG, WORKERS
from grafana.variables import TO_OTHERS

_NEVER_AUDITED = "chưa kiểm toán / never audited"


def pipeline() -> Dashboard:
    """What workers and audits recorded; `dossier work --metrics` exports further metrics to Prometheus."""
    return dashboard(
        "dossiers-pipeline",
        "Tình trạng hệ thống / Pipeline health",
        "Lag, freshness, inserts, dead letters, sources and audits.",
        [
            *(at(place % 3 * 8, place // 3 * 4, 8, 4, each) for place, each in enumerate(_tiles())),
            at(
                0,
                8,
                8,
                9,
                series(
                    "Độ trễ / Lag",
                    "Seconds that the oldest uncounted event has waited; the maximum of all workers.",
                    query("pipeline_lag"),
                    "seconds",
                    defaults={"decimals": 1},
                ),
            ),
            at(
                8,
                8,
                8,
                9,
                series(
                    "Sự kiện đang chờ và đã đếm / Events waiting and counted",
                    "Estimated events not counted yet, of all workers, and events counted per second.",
                    query("pipeline_events"),
                    "count",
                ),
            ),
            at(
                16,
                8,
                8,
                9,
                series(
                    "Độ mới và thời gian ghi / Freshness and inserts",
                    "Seconds from a record's timestamp until it is counted, and seconds of an insert: median and 99th "
                    "percentile of the slowest worker.",
                    query("pipeline_freshness"),
                    "seconds",
                    defaults={"decimals": 1},
                ),
            ),
            at(
                0,
                17,
                12,
                12,
                table(
                    "Nguồn dữ liệu / Sources",
                    "The newest event of each source, and its age.",
                    query("pipeline_sources"),
                    overrides=[
                        column("source", "Nguồn / Source"),
                        column("occurred_at", "Xảy ra lúc / Occurred"),
                        column("published_at", "Gửi lúc / Published"),
                        column("age_seconds", "Tuổi / Age", "seconds"),
                    ],
                ),
            ),
            at(
                12,
                17,
                12,
                6,
                table(
                    "Bản ghi bị loại / Dead letters",
                    "Lines that could not be counted and wait for a decision, by reason and source.",
                    query("pipeline_letters"),
                    overrides=[
                        column("reason", "Lý do / Reason", mappings=label_mappings(REASONS)),
                        column("source", "Nguồn / Source"),
                        column("letters", "Số lượng / Letters", "count"),
                        column("latest", "Mới nhất / Latest"),
                    ],
                ),
            ),
            at(
                12,
                23,
                12,
                6,
                table(
                    "Kiểm toán / Audits",
                    "The last audits, and how many differences each found.",
                    query("pipeline_audits"),
                    overrides=[
                        column("at", "Lúc / At"),
                        column("scope", "Phạm vi / Scope"),
                        column("differences", "Sai lệch / Differences", "count"),
                        column("unconfirmed", "Chưa xác nhận / Unconfirmed", "count"),
                        column("conflicts", "Mâu thuẫn / Conflicts", "count"),
                        column("dossiers", "Hồ sơ / Dossiers", "count"),
                        column("seconds", "Thời gian / Took", "seconds"),
                    ],
                ),
            ),
        ],
        links=TO_OTHERS,
        tags=["analyst"],
        since="now-3h",
        refresh="30s",
    )


def _tiles() -> list[Panel]:
    """The health in six numbers. Missing data is a warning: no worker, no event or no audit so far."""
    if_ever = "if((SELECT count() FROM pulse) = 0, NULL, value)"
    if_any = "if((SELECT sum(events) + sum(dead) FROM pulse WHERE at > now() - INTERVAL 1 HOUR) = 0, NULL, value)"
    audit = query("pipeline_audit")
    return [
        tile(LAG, only(query("alert_lag"), f"{if_ever} AS lag_seconds"), empty_color=RED),
        tile(WORKERS, query("pipeline_workers")),
        tile(DATA_AGE, only(query("data_age"), "seconds"), empty_color=RED),
        tile(
            DEAD_RATIO,
            only(query("alert_dead_letters"), f"{if_any} AS dead_ratio"),
            empty="không có bản ghi / nothing came",
        ),
        tile(DIFFERENCES, only(audit, "differences"), empty=_NEVER_AUDITED, empty_color=ORANGE),
        tile(AUDIT_AGE, only(audit, "audit_seconds"), empty=_NEVER_AUDITED, empty_color=ORANGE),
    ]
