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
        fromUnixTimestamp64Micro(%(now)s, 'UTC') AS now,
        -- The steps of the leading rule; a plain case has none.
        countEqual(verdict_rule, %(rule)s) AS steps,
        indexOf(verdict_rule, %(rule)s) AS first,
        arraySlice(verdict_since, first, steps) AS since,
        arraySlice(verdict_standing, first, steps) AS stands,
        arraySlice(verdict_until, first, steps) AS until,
        arrayLastIndex(at -> at <= now, since) AS step,
        -- The last step by which it was not overdue already: it is overdue since then without a break.
        arrayLastIndex(each -> each != 5, arraySlice(stands, 1, step)) AS before
    SELECT
        dossier,
        agency,
        procedure,
        partition,
        coalesce(term, term_computed) AS sent,
        multiIf(case_kind != 'dossier', 'gone', voided, 'voided', outcome_at <= now, outcome, '') AS ended,
        multiIf(
            ended != '' OR received_at > now, NULL,
            empty(verdict_rule),
                -- By date the whole local day of the term is in time, up to its last microsecond.
                if(%(rule)s = 1, sent,
                    fromUnixTimestamp64Micro(
                        toUnixTimestamp(toStartOfDay(sent, '{time_zone}') + INTERVAL 1 DAY) * 1000000 - 1, 'UTC')),
            step = 0 OR stands[step] NOT IN (4, 5), NULL,
            step = before OR (before > 0 AND stands[before] = 4 AND until[before] < since[before + 1]),
                nullIf(until[before], toDateTime64('2299-12-31 00:00:00', 6, 'UTC')),
            since[before + 1] - toIntervalMicrosecond(1)) AS deadline
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
