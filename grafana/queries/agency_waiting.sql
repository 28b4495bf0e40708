-- What is open in one agency as of now: always one row, NULL where the agency never had a dossier.
SELECT
    if(count() = 0, NULL, countIf(is_open)) AS open,
    if(count() = 0, NULL, countIf(is_overdue)) AS overdue,
    if(count() = 0, NULL, countIf(is_due_soon)) AS due_soon
FROM dossiers
WHERE {agency_is_chosen}
