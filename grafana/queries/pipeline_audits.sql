SELECT at, facts_differences + window_differences AS differences, conflicts, dossiers, seconds
FROM audits
ORDER BY at DESC
LIMIT 20
