-- The last audit that ended: always one row, NULL where there was none.
SELECT
    argMaxOrNull(facts_differences + window_differences, audits.at) AS differences,
    dateDiff('second', maxOrNull(audits.at), now()) AS audit_seconds
FROM audits
