-- What only the events of a dossier together show: what its source told later stands against what it told before. Of the
-- dossiers that came from these sources since an instant, without what is flagged already.
SELECT flag.1 AS kind, agency, dossier, source, assumeNotNull(flag.2) AS at
FROM
(
    SELECT
        told.dossier AS dossier,
        facts.agency AS agency,
        told.source AS source,
        arrayJoin(arrayFilter(flag -> flag.1 != '', [
            -- The outcome of before is older than what was told last.
            if(ended_told > 0 AND (open_told > ended_told OR (returned_told > 0 AND returned_told < ended_told)),
                ('status_backwards', toNullable(greatest(open_told, ended_told))),
                ('', NULL)),
            if(resolved_told > 0 AND facts.term IS NOT NULL AND last_finish <= facts.term AND resolved_told > facts.term
                    AND (latest_finish > facts.term OR (open_told > facts.term AND open_told < resolved_told)),
                ('finish_moved_back', toNullable(resolved_told)),
                ('', NULL)),
            if(facts.outcome = 'resolved' AND facts.step IN ('supplement', 'obligation', 'paused'),
                ('finish_while_waiting', facts.outcome_at),
                ('', NULL))
        ])) AS flag
    FROM
    (
        SELECT
            dossier,
            source,
            maxIf(recorded_at, kind = 'reopened') AS open_told,
            maxIf(recorded_at, kind IN ('resolved', 'refused', 'withdrawn', 'stopped')) AS ended_told,
            maxIf(recorded_at, kind = 'returned') AS returned_told,
            maxIf(recorded_at, kind = 'resolved') AS resolved_told,
            argMaxIf(occurred_at, recorded_at, kind = 'resolved') AS last_finish,
            maxIf(occurred_at, kind = 'resolved') AS latest_finish
        FROM events FINAL
        WHERE kind IN ('reopened', 'resolved', 'refused', 'withdrawn', 'stopped', 'returned') AND source IN %(sources)s
            AND dossier IN (SELECT dossier FROM events WHERE published_at >= %(since)s AND source IN %(sources)s)
        GROUP BY dossier, source
    ) AS told
    INNER JOIN
    (
        SELECT dossier, agency, term, outcome, outcome_at, step
        FROM facts FINAL
        WHERE case_kind = 'dossier' AND NOT voided
            AND dossier IN (SELECT dossier FROM events WHERE published_at >= %(since)s AND source IN %(sources)s)
    ) AS facts ON facts.dossier = told.dossier
)
WHERE (agency, dossier, kind) NOT IN
(
    SELECT agency, dossier, kind FROM data_quality
    WHERE kind IN ('status_backwards', 'finish_moved_back', 'finish_while_waiting')
)
ORDER BY ALL
