-- Dossiers whose alert may have to change: those that are open and near their deadline, or have a standing alert, unless
-- that alert is right. Only partitions that are counted up to their end are read, as the others will soon have more
-- events; a dossier counts as gone only where all partitions are read. Levels are seconds after the deadline, the least
-- urgent first.
SELECT
    if(found.dossier = '', standing.dossier, found.dossier) AS dossier,
    found.agency AS agency,
    found.procedure AS procedure,
    if(found.dossier = '', 'gone', found.ended) AS ended,
    found.term AS term,
    found.deadline AS deadline,
    standing.level AS standing_level,
    standing.agency AS standing_agency,
    standing.procedure AS standing_procedure,
    standing.term AS standing_term
FROM
(
    SELECT
        dossier,
        agency,
        procedure,
        partition,
        term,
        multiIf(case_kind != 'dossier', 'gone', voided, 'voided', outcome) AS ended,
        -- By date the whole local day of the term is in time, up to its last microsecond.
        if('{terms}' = 'instant', term,
            fromUnixTimestamp64Micro(
                toUnixTimestamp(toStartOfDay(term, '{time_zone}') + INTERVAL 1 DAY) * 1000000 - 1, 'UTC')) AS deadline
    FROM facts FINAL
    WHERE (outcome = '' AND term < fromUnixTimestamp64Micro(%(horizon)s))
        OR dossier IN (SELECT dossier FROM standing_alerts)
) AS found
FULL JOIN standing_alerts AS standing ON found.dossier = standing.dossier
WHERE if(found.dossier = '', %(complete)s, has(%(partitions)s, found.partition)) AND if(
    standing.level = '',
    found.ended = ''
        AND fromUnixTimestamp64Micro(%(now)s) > found.deadline + toIntervalSecond(%(first)s),
    ended != ''
        OR ifNull(found.term != standing.term, true)
        OR found.agency != standing.agency
        OR indexOf(%(levels)s, standing.level) = 0
        OR indexOf(%(levels)s, standing.level)
            < arrayCount(after -> fromUnixTimestamp64Micro(%(now)s) > found.deadline + toIntervalSecond(after), %(afters)s))
LIMIT %(most)s
SETTINGS join_use_nulls = 0, max_threads = 1
