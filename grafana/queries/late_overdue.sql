SELECT dossier, agency, procedure, status, unit, term, days_overdue, extensions
FROM overdue_dossiers
WHERE {agency_is_chosen}
ORDER BY term, dossier
LIMIT 500
