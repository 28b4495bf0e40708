-- Dossiers received in the time range, by field or by procedure: what waits of them as of now, and how many days the
-- resolved ones took.
SELECT
    {columns}
    count() AS received,
    countIf(channel = 'online') / received AS online_rate,
    countIf(outcome = 'resolved' AND on_time) / nullIf(countIf(outcome = 'resolved'), 0) AS on_time_rate,
    quantileExactIfOrNull(0.5)(days, outcome = 'resolved') AS median_days,
    quantileExactIfOrNull(0.9)(days, outcome = 'resolved') AS p90_days,
    countIf(is_open) AS open,
    countIf(is_overdue) AS overdue
FROM dossiers
WHERE $__timeFilter(received_at) AND {agency_is_chosen}
GROUP BY {keys}
ORDER BY received DESC, {keys}
LIMIT 500
