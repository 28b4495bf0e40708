SELECT
    dossier,
    {agency_code} AS agency,
    {agency_name} AS agency_name,
    procedure,
    {procedure_name} AS procedure_name,
    status,
    unit,
    due_at,
    days_overdue,
    extensions
FROM
(
    SELECT * FROM overdue_dossiers WHERE {agency_is_chosen}
)
ORDER BY due_at, dossier
LIMIT 500
