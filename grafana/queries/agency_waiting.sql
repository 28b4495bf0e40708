-- What is open in one agency as of now; always one row.
SELECT
    countIf(is_open) AS open,
    countIf(is_overdue) AS overdue,
    countIf(is_open AND NOT is_overdue AND term <= now() + INTERVAL 24 HOUR) AS due_soon
FROM dossiers
WHERE agency = decodeURLComponent('${agency:percentencode}')
