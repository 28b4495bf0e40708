-- Figures that people read in views, against the tables beneath, computed in another way; only what differs.
-- Every period of a year must add up to what the windows of that year do, whatever a period is cut by.
SELECT place, figure, sum(shown) AS is, sum(counted) AS should
FROM
(
    SELECT
        concat('agency_windows ', period, ' ', toString(toYear(start)), ' ', agency) AS place,
        arrayJoin([
            {summed},
            ('on_time_rate', toInt64(round(sum(ifNull(on_time_rate, 0) * judged)))),
            ('online_rate', toInt64(round(sum(ifNull(online_rate, 0) * received))))
        ]) AS each,
        each.1 AS figure,
        each.2 AS shown,
        toInt64(0) AS counted
    FROM agency_windows
    WHERE period IN ('5 minutes', 'hour', 'day', 'month', 'quarter', 'year')
    GROUP BY period, toYear(start), agency
    UNION ALL
    SELECT
        concat('agency_windows ', arrayJoin(['5 minutes', 'hour', 'day', 'month', 'quarter', 'year']), ' ', year, ' ', agency),
        arrayJoin([
            {summed},
            ('on_time_rate', sum({on_time})),
            ('online_rate', sum(received_online))
        ]) AS each,
        each.1,
        toInt64(0),
        each.2
    FROM windows FINAL
    GROUP BY formatDateTime(window, '%Y', '{time_zone}') AS year, agency
    UNION ALL
    SELECT
        concat('dossiers ', agency),
        arrayJoin([
            ('dossiers', toInt64(count())),
            ('open', toInt64(countIf(is_open))),
            ('overdue', toInt64(countIf(is_overdue))),
            ('on_time', toInt64(countIf(on_time))),
            ('ended', toInt64(countIf(status IN ('resolved', 'returned', 'withdrawn', 'refused', 'stopped', 'answered')))),
            ('paid_amount', toInt64(sum(paid_amount)))
        ]) AS each,
        each.1,
        each.2,
        toInt64(0)
    FROM dossiers
    GROUP BY agency
    UNION ALL
    SELECT concat('overdue_dossiers ', agency), ('overdue', toInt64(count())) AS each, each.1, each.2, toInt64(0)
    FROM overdue_dossiers
    GROUP BY agency
    UNION ALL
    WITH
        empty(outcome) OR outcome_at > now64(6) AS is_open,
        if(term IS NULL, term_computed, term) AS held,
        arraySort(arrayFilter(
            step -> step.1 = {leading} AND step.2 <= now64(6),
            arrayZip(verdict_rule, verdict_since, verdict_standing, verdict_until)))[-1] AS last_step
    SELECT
        concat(arrayJoin(if(each.1 = 'overdue', ['dossiers ', 'overdue_dossiers '], ['dossiers '])), agency),
        arrayJoin([
            ('dossiers', toInt64(count())),
            ('open', toInt64(countIf(is_open))),
            ('overdue', toInt64(countIf(is_open AND if(
                notEmpty(verdict_rule),
                last_step.3 = 5 OR (last_step.3 = 4 AND last_step.4 < now64(6)),
                ifNull(if({leading} = 1,
                    held < now64(6),
                    formatDateTime(held, '%Y%m%d', '{time_zone}') < formatDateTime(now(), '%Y%m%d', '{time_zone}')), false))))),
            ('on_time', toInt64(countIf(notEmpty(outcome) AND (term IS NULL OR if('{terms}' = 'instant',
                outcome_at <= term,
                formatDateTime(outcome_at, '%Y%m%d', '{time_zone}') <= formatDateTime(term, '%Y%m%d', '{time_zone}')))))),
            ('ended', toInt64(countIf(notEmpty(outcome)))),
            ('paid_amount', toInt64(sum(arraySum(payment_amount))))
        ]) AS each,
        each.1,
        toInt64(0),
        each.2
    FROM facts FINAL
    WHERE case_kind = 'dossier' AND NOT voided
    GROUP BY agency
    UNION ALL
    -- Of many windows the city's past is read from a roll-up, which may be minutes behind: that day by day is exact.
    SELECT
        concat('city_figures ', period),
        arrayJoin([
            ('received', received),
            ('resolved', resolved),
            ('resolved_on_time', resolved_on_time),
            ('resolved_late', resolved_late),
            ('on_time', on_time),
            ('late', late)
        ]) AS each,
        each.1,
        each.2,
        toInt64(0)
    FROM city_figures
    WHERE period = 'day' OR (SELECT count() FROM windows) < 500000
    UNION ALL
    SELECT
        concat('city_figures ', span.1),
        arrayJoin([
            ('received', sum(received)),
            ('resolved', sum(resolved)),
            ('resolved_on_time', sum(resolved_on_time)),
            ('resolved_late', sum(resolved) - sum(resolved_on_time)),
            ('on_time', sum({on_time})),
            ('late', sum({judged}) - sum({on_time}))
        ]) AS each,
        each.1,
        toInt64(0),
        each.2
    FROM windows FINAL
    ARRAY JOIN [('day', '%Y%m%d'), ('month', '%Y%m'), ('year', '%Y')] AS span
    WHERE if(span.1 = 'day', formatDateTime(window, '%Y%m%d', '{time_zone}') = formatDateTime(now(), '%Y%m%d', '{time_zone}'),
            if(span.1 = 'month', formatDateTime(window, '%Y%m', '{time_zone}') = formatDateTime(now(), '%Y%m', '{time_zone}'),
                formatDateTime(window, '%Y', '{time_zone}') = formatDateTime(now(), '%Y', '{time_zone}')))
        AND (span.1 = 'day' OR (SELECT count() FROM windows) < 500000)
    GROUP BY span.1
)
GROUP BY place, figure
HAVING is != should
ORDER BY place, figure
