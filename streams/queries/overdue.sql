-- Dossiers whose alert may have to change: those that are open and near their deadline by the leading rule, or have a
-- standing alert, unless that alert is right. Only partitions that are counted up to their end are read, as the others
-- will soon have more events; a dossier counts as gone only where all partitions are read. Levels are seconds after the
-- deadline, the least urgent first; the one of number `soon_level` is reached before an instant that depends on the
-- calendar of the agency.
SELECT
    if(found.dossier = '', standing.dossier, found.dossier) AS dossier,
    found.agency AS agency,
    found.procedure AS procedure,
    if(found.dossier = '', 'gone', found.ended) AS ended,
    found.sent AS sent,
    found.deadline AS deadline,
    fromUnixTimestamp64Micro(transform(found.agency, %(agencies)s, %(soon)s, %(soon_default)s), 'UTC') AS soon,
    standing.level AS standing_level,
    standing.agency AS standing_agency,
    standing.procedure AS standing_procedure,
    standing.term AS standing_term,
    standing.at AS standing_at,
    standing.rule AS standing_rule,
    standing.deadline AS standing_deadline
FROM
(
    WITH
        {verdicts},
        fromUnixTimestamp64Micro(%(now)s, 'UTC') AS present
    SELECT
        dossier,
        agency,
        procedure,
        partition,
        held_term AS sent,
        multiIf(case_kind != 'dossier', 'gone', voided, 'voided', outcome_at <= present, outcome, '') AS ended,
        if(ended != '' OR received_at > present, NULL, due_by({leading}, present)) AS deadline
    FROM facts FINAL
    WHERE (ended = '' AND deadline < fromUnixTimestamp64Micro(%(horizon)s, 'UTC'))
        OR dossier IN (SELECT dossier FROM standing_alerts)
) AS found
FULL JOIN standing_alerts AS standing ON found.dossier = standing.dossier
WHERE if(found.dossier = '', %(complete)s, has(%(partitions)s, found.partition)) AND if(
    standing.level = '',
    ended = '' AND arrayExists(
        (after, number) -> ifNull(found.deadline < if(number = %(soon_level)s, soon,
            fromUnixTimestamp64Micro(%(now)s, 'UTC') - toIntervalSecond(after)), false),
        %(afters)s, arrayEnumerate(%(afters)s)),
    ended != ''
        OR (standing.at <= fromUnixTimestamp64Micro(%(now)s, 'UTC') AND ifNull(
            if(standing.deadline IS NULL, found.sent != standing.term, found.deadline != standing.deadline), true))
        OR found.agency != standing.agency
        OR (standing.rule != '' AND NOT startsWith(standing.rule, %(rule_prefix)s))
        OR indexOf(%(levels)s, standing.level) = 0
        OR indexOf(%(levels)s, standing.level) < arrayLastIndex(
            (after, number) -> ifNull(found.deadline < if(number = %(soon_level)s, soon,
                fromUnixTimestamp64Micro(%(now)s, 'UTC') - toIntervalSecond(after)), false),
            %(afters)s, arrayEnumerate(%(afters)s)))
LIMIT %(most)s
SETTINGS join_use_nulls = 0, max_threads = 1
