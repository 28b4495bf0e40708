SELECT
    procedure,
    {procedure_name} AS procedure_name,
    count() AS received,
    countIf(is_open) AS open,
    countIf(is_overdue) AS overdue,
    countIf(is_in_time) / nullIf(countIf(is_judged), 0) AS on_time_rate,
    quantileExactIfOrNull(0.5)(days, outcome = 'resolved') AS median_days,
    quantileExactIfOrNull(0.9)(days, outcome = 'resolved') AS p90_days
FROM dossiers
WHERE {agency_is_chosen} AND $__timeFilter(received_at)
GROUP BY procedure
ORDER BY received DESC, procedure
LIMIT 200
