-- Counts per agency and period of local time. Ask for one period: the others are then not read.
-- `on_time` of `judged`, and the rate of it, are by the leading rule. Rates are NULL where their denominator is 0: no data is not nought percent.
CREATE OR REPLACE VIEW agency_windows AS
SELECT
    period,
    start,
    agency,
    sum(by_period.received) AS received,
    sum(by_period.received_online) AS received_online,
    sum(by_period.received_postal) AS received_postal,
    sum(by_period.fee_bearing) AS fee_bearing,
    sum(by_period.fee_paid_online) AS fee_paid_online,
    sum(by_period.resolved) AS resolved,
    sum(by_period.resolved_on_time) AS resolved_on_time,
    sum(by_period.resolved_early) AS resolved_early,
    sum(by_period.resolved_electronically) AS resolved_electronically,
    sum(by_period.returned) AS returned,
    sum(by_period.withdrawn) AS withdrawn,
    sum(by_period.refused) AS refused,
    sum(by_period.stopped) AS stopped,
    sum(by_period.extensions) AS extensions,
    sum(by_period.supplements) AS supplements,
    sum(by_period.payments) AS payments,
    sum(by_period.payments_online) AS payments_online,
    sum(by_period.paid_amount) AS paid_amount,
    sum(by_period.refunds) AS refunds,
    sum(by_period.refunded_amount) AS refunded_amount,
    sum(by_period.digitisations) AS digitisations,
    sum(by_period.components) AS components,
    sum(by_period.components_digitised) AS components_digitised,
    sum(by_period.components_reused) AS components_reused,
    sum(by_period.rated) AS rated,
    sum(by_period.satisfied) AS satisfied,
    sum(by_period.feedback_received) AS feedback_received,
    sum(by_period.feedback_answered) AS feedback_answered,
    sum(by_period.feedback_on_time) AS feedback_on_time,
    sum(by_period.feedback_rated) AS feedback_rated,
    sum(by_period.feedback_satisfied) AS feedback_satisfied,
    sum(by_period.resolved_on_time_by_instant) AS resolved_on_time_by_instant,
    sum(by_period.resolved_on_time_by_date) AS resolved_on_time_by_date,
    sum(by_period.judged_by_766) AS judged_by_766,
    sum(by_period.on_time_by_766) AS on_time_by_766,
    sum(by_period.form_early) AS form_early,
    sum(by_period.form_on_time) AS form_on_time,
    {on_time} AS on_time,
    {judged} AS judged,
    received_online / nullIf(received, 0) AS online_rate,
    on_time / nullIf(judged, 0) AS on_time_rate,
    fee_paid_online / nullIf(fee_bearing, 0) AS online_payment_rate,
    components_digitised / nullIf(components, 0) AS digitisation_rate,
    satisfied / nullIf(rated, 0) AS satisfaction_rate,
    feedback_on_time / nullIf(feedback_answered, 0) AS feedback_on_time_rate
FROM
(
    SELECT '5 minutes' AS period, toTimeZone(window, '{time_zone}') AS start, * FROM windows FINAL
    UNION ALL
    SELECT 'hour', toStartOfHour(window, '{time_zone}'), * FROM windows FINAL
    UNION ALL
    SELECT 'day', toStartOfDay(window, '{time_zone}'), * FROM windows FINAL
    UNION ALL
    SELECT 'month', toDateTime(toStartOfMonth(window, '{time_zone}'), '{time_zone}'), * FROM windows FINAL
    UNION ALL
    SELECT 'quarter', toDateTime(toStartOfQuarter(window, '{time_zone}'), '{time_zone}'), * FROM windows FINAL
    UNION ALL
    SELECT 'year', toDateTime(toStartOfYear(window, '{time_zone}'), '{time_zone}'), * FROM windows FINAL
) AS by_period
GROUP BY period, start, agency
