-- By field or by procedure: dossiers received and resolved in the time range, how many days the resolved ones took, and what
-- is open and overdue as of now, whenever it was received.
WITH
    ($__timeFilter(received_at)) AS is_received,
    ifNull($__timeFilter(outcome_at), false) AS has_ended,
    (has_ended AND outcome = 'resolved') AS is_resolved
SELECT
    {columns}
    countIf(is_received) AS received,
    countIf(is_received AND channel = 'online') / nullIf(countIf(is_received), 0) AS online_rate,
    countIf(is_resolved) AS resolved,
    countIf(has_ended AND is_in_time) / nullIf(countIf(has_ended AND is_judged), 0) AS on_time_rate,
    quantileExactIfOrNull(0.5)(days, is_resolved) AS median_days,
    quantileExactIfOrNull(0.9)(days, is_resolved) AS p90_days,
    countIf(is_open) AS open,
    countIf(is_overdue) AS overdue
FROM dossiers
WHERE (is_received OR has_ended OR is_open) AND {agency_is_chosen}
GROUP BY {keys}
ORDER BY received DESC, {keys}
LIMIT 500
