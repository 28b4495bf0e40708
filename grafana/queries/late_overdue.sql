SELECT dossier, agency, procedure, status, unit, term, days_overdue, extensions
FROM overdue_dossiers
WHERE $__conditionalAll(agency IN (${agency:singlequote}), $agency)
ORDER BY term, dossier
LIMIT 500
