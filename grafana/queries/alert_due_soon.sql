-- One row per agency that has any dossier at all, so that an alert ends with a 0 and not with a gap.
SELECT agency, {agency_name} AS agency_name, toFloat64(countIf(is_due_soon)) AS value
FROM dossiers
GROUP BY agency
ORDER BY agency
