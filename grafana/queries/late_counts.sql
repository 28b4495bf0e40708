-- Always one row.
SELECT
    countIf(is_overdue) AS overdue,
    countIf(is_open AND NOT is_overdue AND term <= now() + INTERVAL 24 HOUR) AS due_soon
FROM dossiers
WHERE {agency_is_chosen}
