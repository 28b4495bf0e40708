SELECT
    dossier,
    {agency_code} AS agency,
    {agency_name} AS agency_name,
    procedure,
    {procedure_name} AS procedure_name,
    status,
    unit,
    due_at,
    dateDiff('second', now64(6), assumeNotNull(due_at)) / 86400 AS days_left,
    extensions
FROM
(
    SELECT * FROM dossiers WHERE is_open AND NOT is_overdue AND due_at <= now() + INTERVAL 3 DAY AND {agency_is_chosen}
)
ORDER BY due_at, dossier
LIMIT 500
