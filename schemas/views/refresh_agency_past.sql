-- Fills agency_past with all days but the last week, which is read from windows at once: so a correction of those days
-- shows at once, and one of an older day after the next refresh. A window lies in one partition, so partitions need no merging.
DROP VIEW IF EXISTS refresh_agency_past;

CREATE MATERIALIZED VIEW refresh_agency_past REFRESH AFTER 30 MINUTE TO agency_past AS
WITH toStartOfDay(now('{time_zone}') - INTERVAL 7 DAY, '{time_zone}') AS last_week
SELECT
    last_week AS until,
    agency,
    toDate(window, '{time_zone}') AS day,
    sum(windows.received) AS received,
    sum(windows.received_online) AS received_online,
    sum(windows.received_postal) AS received_postal,
    sum(windows.fee_bearing) AS fee_bearing,
    sum(windows.fee_paid_online) AS fee_paid_online,
    sum(windows.resolved) AS resolved,
    sum(windows.resolved_on_time) AS resolved_on_time,
    sum(windows.resolved_early) AS resolved_early,
    sum(windows.resolved_electronically) AS resolved_electronically,
    sum(windows.returned) AS returned,
    sum(windows.withdrawn) AS withdrawn,
    sum(windows.refused) AS refused,
    sum(windows.stopped) AS stopped,
    sum(windows.extensions) AS extensions,
    sum(windows.supplements) AS supplements,
    sum(windows.payments) AS payments,
    sum(windows.payments_online) AS payments_online,
    sum(windows.paid_amount) AS paid_amount,
    sum(windows.refunds) AS refunds,
    sum(windows.refunded_amount) AS refunded_amount,
    sum(windows.digitisations) AS digitisations,
    sum(windows.components) AS components,
    sum(windows.components_digitised) AS components_digitised,
    sum(windows.components_reused) AS components_reused,
    sum(windows.rated) AS rated,
    sum(windows.satisfied) AS satisfied,
    sum(windows.feedback_received) AS feedback_received,
    sum(windows.feedback_answered) AS feedback_answered,
    sum(windows.feedback_on_time) AS feedback_on_time,
    sum(windows.feedback_rated) AS feedback_rated,
    sum(windows.feedback_satisfied) AS feedback_satisfied,
    sum(windows.resolved_on_time_by_instant) AS resolved_on_time_by_instant,
    sum(windows.resolved_on_time_by_date) AS resolved_on_time_by_date,
    sum(windows.judged_by_766) AS judged_by_766,
    sum(windows.on_time_by_766) AS on_time_by_766,
    sum(windows.form_early) AS form_early,
    sum(windows.form_on_time) AS form_on_time
FROM windows FINAL
WHERE window < last_week
GROUP BY agency, day
SETTINGS max_threads = 1, max_bytes_before_external_group_by = 1000000000, do_not_merge_across_partitions_select_final = 1
