-- How many cases other loads may decide otherwise, and some of them. A calendar that counts an agency's days otherwise from `since` on
-- decides the terms that end there; of cases with stops also what happened since then. Another promise decides dossiers
-- that were received on its days, unless the source sent their term and nothing moved it.
WITH toDateTime64('2299-12-31 00:00:00', 6, 'UTC') AS never
SELECT uniqExact(dossier) AS cases, groupUniqArray(1000)(dossier) AS some
FROM
(
    SELECT dossier
    FROM facts FINAL
    INNER JOIN changed_days ON facts.agency = changed_days.code
    WHERE NOT voided
        AND
        (
            ifNull(term_computed >= since, false)
            OR arrayExists(until -> until >= since AND until < never, verdict_until)
            OR
            (
                notEmpty(verdict_rule)
                AND since <= %(now)s
                AND (outcome_at IS NULL OR ifNull(greatest(outcome_at, ifNull(returned_at, outcome_at), arrayMax(verdict_since)) >= since, true))
            )
        )
    UNION ALL
    SELECT dossier
    FROM facts FINAL
    INNER JOIN changed_promises ON facts.procedure = changed_promises.code AND facts.channel = changed_promises.by
    WHERE NOT voided
        AND received_at >= first AND received_at < after
        AND (term IS NULL OR notEmpty(verdict_rule))
)
