-- The eleven figures of the city for one period so far, one row: each with its change since the same point of the period
-- before, in words, and in brackets what it was then.
WITH
    (value, before) -> multiIf(value > before, '▲ ', value < before, '▼ ', '= ') AS arrow,
    (value, before) -> ifNull(concat(arrow(value, before), toString(abs(value - before)), ' (', toString(before), ')'), '–')
        AS counts,
    (value, before) -> ifNull(
        replaceAll(
            concat(
                arrow(value, before),
                toString(round(100 * abs(value - before), 1)), ' điểm (', toString(round(100 * before, 1)), ' %)'),
            '.', ','),
        '–') AS shares
SELECT
    overdue,
    counts(overdue, overdue_before) AS overdue_trend,
    resolved_late,
    counts(resolved_late, resolved_late_before) AS resolved_late_trend,
    overall_on_time_rate,
    shares(overall_on_time_rate, overall_on_time_rate_before) AS overall_on_time_rate_trend,
    open,
    counts(open, open_before) AS open_trend,
    resolved_on_time,
    counts(resolved_on_time, resolved_on_time_before) AS resolved_on_time_trend,
    received,
    counts(received, received_before) AS received_trend,
    online_rate,
    shares(online_rate, online_rate_before) AS online_rate_trend,
    online_payment_rate,
    shares(online_payment_rate, online_payment_rate_before) AS online_payment_rate_trend,
    digitisation_rate,
    shares(digitisation_rate, digitisation_rate_before) AS digitisation_rate_trend,
    satisfaction_rate,
    shares(satisfaction_rate, satisfaction_rate_before) AS satisfaction_rate_trend,
    feedback_on_time_rate,
    shares(feedback_on_time_rate, feedback_on_time_rate_before) AS feedback_on_time_rate_trend
FROM city_figures
WHERE period = '{period}'
