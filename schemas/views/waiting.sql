-- Open dossiers by agency, receiving office and term (`now`), and how many were open and overdue at the same point of the
-- day, month and year before, by the terms that hold now. Add the rows up. Always a row of `now` without dossiers.
CREATE OR REPLACE VIEW waiting AS
SELECT waiting.2 AS kind, agency, office AS receiver, waiting.3 AS term, count() AS dossiers, countIf(waiting.4) AS overdue
FROM
(
    WITH
        now('{time_zone}') - INTERVAL 1 DAY AS day,
        now('{time_zone}') - INTERVAL 1 MONTH AS month,
        now('{time_zone}') - INTERVAL 1 YEAR AS year,
        before -> (received_at <= before AND (outcome = '' OR outcome_at > before)) AS was_open,
        before -> (term IS NOT NULL
            AND if('{terms}' = 'instant', before > term, toDate(before, '{time_zone}') > toDate(term, '{time_zone}'))) AS was_overdue
    SELECT
        agency,
        if(receiver = '', agency, receiver) AS office,
        arrayJoin(arrayFilter(each -> each.1, [
            (outcome = '', 'now', term, false),
            (ifNull(was_open(day), false), 'day', NULL, ifNull(was_overdue(day), false)),
            (ifNull(was_open(month), false), 'month', NULL, ifNull(was_overdue(month), false)),
            (ifNull(was_open(year), false), 'year', NULL, ifNull(was_overdue(year), false))
        ])) AS waiting
    FROM facts FINAL
    WHERE case_kind = 'dossier' AND NOT voided
)
GROUP BY kind, agency, receiver, term
UNION ALL
SELECT 'now', '', '', NULL, 0, 0
