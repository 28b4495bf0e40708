-- Always one row, NULL where the agencies that are chosen never had a dossier.
SELECT
    if(count() = 0, NULL, countIf(is_overdue)) AS overdue,
    if(count() = 0, NULL, countIf(is_due_soon)) AS due_soon
FROM dossiers
WHERE {agency_is_chosen}
