SELECT
    at,
    scope,
    facts_differences + window_differences + other_differences AS differences,
    unconfirmed,
    conflicts,
    dossiers,
    seconds
FROM audits
ORDER BY at DESC
LIMIT 20
