-- Open dossiers by agency, receiving office and deadline of the leading rule (`now`), and how many were open and overdue at
-- the same point of the day, month and year before, by what had happened by then. Those of `now` are overdue once `due_at`
-- has passed. Add the rows up. Always a row of `now` without dossiers.
CREATE OR REPLACE VIEW waiting AS
SELECT waiting.2 AS kind, agency, office AS receiver, waiting.3 AS due_at, count() AS dossiers, countIf(waiting.4) AS overdue
FROM
(
    WITH
        {verdicts},
        now('{time_zone}') - INTERVAL 1 DAY AS day,
        now('{time_zone}') - INTERVAL 1 MONTH AS month,
        now('{time_zone}') - INTERVAL 1 YEAR AS year,
        before -> ifNull(received_at <= before AND ifNull(outcome_at > before, true), false) AS was_open
    SELECT
        agency,
        if(receiver = '', agency, receiver) AS office,
        arrayJoin(arrayFilter(each -> each.1, [
            (was_open(now64(6)), 'now', due_by({leading}, now64(6)), false),
            (was_open(day), 'day', NULL, overdue_by({leading}, day)),
            (was_open(month), 'month', NULL, overdue_by({leading}, month)),
            (was_open(year), 'year', NULL, overdue_by({leading}, year))
        ])) AS waiting
    FROM facts FINAL
    WHERE case_kind = 'dossier' AND NOT voided
        -- Few were open at any of them: nothing is computed of the others.
        AND (was_open(now64(6)) OR was_open(day) OR was_open(month) OR was_open(year))
)
GROUP BY kind, agency, receiver, due_at
UNION ALL
SELECT 'now', '', '', NULL, 0, 0
