-- The figures of the whole city for this day, month and year so far, each beside what it was at the same point of the
-- day, month or year before (`…_before`). Always one row a period, also where nothing was counted.
-- Open and overdue then are by the terms that hold now. Rates are NULL where their denominator is 0.
CREATE OR REPLACE VIEW city_figures AS
SELECT
    spans.period AS period,
    spans.start AS start,
    counted.received AS received,
    counted.received_before AS received_before,
    counted.resolved AS resolved,
    counted.resolved_before AS resolved_before,
    counted.resolved_on_time AS resolved_on_time,
    counted.resolved_on_time_before AS resolved_on_time_before,
    resolved - resolved_on_time AS resolved_late,
    resolved_before - resolved_on_time_before AS resolved_late_before,
    waiting.open AS open,
    waiting.open_before AS open_before,
    waiting.overdue AS overdue,
    waiting.overdue_before AS overdue_before,
    (resolved_on_time + open - overdue) / nullIf(resolved + open, 0) AS overall_on_time_rate,
    (resolved_on_time_before + open_before - overdue_before) / nullIf(resolved_before + open_before, 0)
        AS overall_on_time_rate_before,
    counted.online_rate AS online_rate,
    counted.online_rate_before AS online_rate_before,
    counted.online_payment_rate AS online_payment_rate,
    counted.online_payment_rate_before AS online_payment_rate_before,
    counted.digitisation_rate AS digitisation_rate,
    counted.digitisation_rate_before AS digitisation_rate_before,
    counted.satisfaction_rate AS satisfaction_rate,
    counted.satisfaction_rate_before AS satisfaction_rate_before,
    counted.feedback_on_time_rate AS feedback_on_time_rate,
    counted.feedback_on_time_rate_before AS feedback_on_time_rate_before
FROM
(
    SELECT period, start FROM periods WHERE period != 'quarter'
) AS spans
LEFT JOIN
(
    SELECT
        period,
        sumIf(by_period.received, is_now) AS received,
        sumIf(by_period.received, NOT is_now) AS received_before,
        sumIf(by_period.resolved, is_now) AS resolved,
        sumIf(by_period.resolved, NOT is_now) AS resolved_before,
        sumIf(by_period.resolved_on_time, is_now) AS resolved_on_time,
        sumIf(by_period.resolved_on_time, NOT is_now) AS resolved_on_time_before,
        sumIf(received_online, is_now) / nullIf(sumIf(by_period.received, is_now), 0) AS online_rate,
        sumIf(received_online, NOT is_now) / nullIf(sumIf(by_period.received, NOT is_now), 0) AS online_rate_before,
        sumIf(fee_paid_online, is_now) / nullIf(sumIf(fee_bearing, is_now), 0) AS online_payment_rate,
        sumIf(fee_paid_online, NOT is_now) / nullIf(sumIf(fee_bearing, NOT is_now), 0) AS online_payment_rate_before,
        sumIf(components_digitised, is_now) / nullIf(sumIf(components, is_now), 0) AS digitisation_rate,
        sumIf(components_digitised, NOT is_now) / nullIf(sumIf(components, NOT is_now), 0)
            AS digitisation_rate_before,
        sumIf(satisfied, is_now) / nullIf(sumIf(rated, is_now), 0) AS satisfaction_rate,
        sumIf(satisfied, NOT is_now) / nullIf(sumIf(rated, NOT is_now), 0) AS satisfaction_rate_before,
        sumIf(feedback_on_time, is_now) / nullIf(sumIf(feedback_answered, is_now), 0) AS feedback_on_time_rate,
        sumIf(feedback_on_time, NOT is_now) / nullIf(sumIf(feedback_answered, NOT is_now), 0)
            AS feedback_on_time_rate_before
    FROM
    (
        SELECT 'day' AS period, window >= toStartOfDay(now(), '{time_zone}') AS is_now, *
        FROM windows FINAL
        WHERE window >= toStartOfDay(now() - INTERVAL 1 DAY, '{time_zone}')
            AND (is_now OR window < now('{time_zone}') - INTERVAL 1 DAY)
        UNION ALL
        SELECT 'month', window >= toDateTime(toStartOfMonth(now(), '{time_zone}'), '{time_zone}') AS is_now, *
        FROM windows FINAL
        WHERE window >= toDateTime(toStartOfMonth(now('{time_zone}') - INTERVAL 1 MONTH, '{time_zone}'), '{time_zone}')
            AND (is_now OR window < now('{time_zone}') - INTERVAL 1 MONTH)
        UNION ALL
        SELECT 'year', window >= toDateTime(toStartOfYear(now(), '{time_zone}'), '{time_zone}') AS is_now, *
        FROM windows FINAL
        WHERE window >= toDateTime(toStartOfYear(now('{time_zone}') - INTERVAL 1 YEAR, '{time_zone}'), '{time_zone}')
            AND (is_now OR window < now('{time_zone}') - INTERVAL 1 YEAR)
    ) AS by_period
    GROUP BY period
) AS counted USING (period)
LEFT JOIN
(
    SELECT
        period,
        countIf(is_open) AS open,
        countIf(was_open) AS open_before,
        countIf(is_overdue) AS overdue,
        countIf(was_open AND term IS NOT NULL
            AND if('{terms}' = 'instant', before > term, toDate(before, '{time_zone}') > toDate(term, '{time_zone}')))
            AS overdue_before
    FROM
    (
        SELECT
            'day' AS period,
            now('{time_zone}') - INTERVAL 1 DAY AS before,
            received_at <= before AND (is_open OR outcome_at > before) AS was_open,
            is_open, is_overdue, term
        FROM dossiers
        UNION ALL
        SELECT
            'month',
            now('{time_zone}') - INTERVAL 1 MONTH AS before,
            received_at <= before AND (is_open OR outcome_at > before) AS was_open,
            is_open, is_overdue, term
        FROM dossiers
        UNION ALL
        SELECT
            'year',
            now('{time_zone}') - INTERVAL 1 YEAR AS before,
            received_at <= before AND (is_open OR outcome_at > before) AS was_open,
            is_open, is_overdue, term
        FROM dossiers
    ) AS by_period
    GROUP BY period
) AS waiting USING (period)
SETTINGS join_use_nulls = 0
