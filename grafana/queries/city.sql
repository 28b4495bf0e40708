-- The eleven figures of the city for one period so far, one row: each with its change since the same point of the period
-- before, in words, and in brackets what it was then; and by which rule terms are compared. Counts are NULL where nothing was ever counted: that is not 0.
WITH
    (SELECT published_at IS NOT NULL FROM data_age) AS is_counted,
    (value, before) -> multiIf(value > before, '▲ ', value < before, '▼ ', '= ') AS arrow,
    number -> trim(LEADING ',' FROM reverse(replaceRegexpAll(reverse(toString(number)), '([0-9]{3})', '\\1,'))) AS grouped,
    (value, before) -> ifNull(
        concat(arrow(value, before), grouped(abs(value - before)), ' (', grouped(before), ')'),
        if(value IS NULL, 'không có dữ liệu / no data', '–')) AS counts,
    (value, before) -> ifNull(
        concat(
            arrow(value, before),
            printf('%.1f', 100 * abs(value - before)), ' điểm (', printf('%.1f', 100 * before), '%)'),
        '–') AS shares
SELECT
    if(is_counted, city_figures.overdue, NULL) AS overdue,
    counts(overdue, overdue_before) AS overdue_trend,
    if(is_counted, city_figures.late, NULL) AS late,
    counts(late, late_before) AS late_trend,
    overall_on_time_rate,
    shares(overall_on_time_rate, overall_on_time_rate_before) AS overall_on_time_rate_trend,
    if(is_counted, city_figures.open, NULL) AS open,
    counts(open, open_before) AS open_trend,
    if(is_counted, city_figures.on_time, NULL) AS on_time,
    counts(on_time, on_time_before) AS on_time_trend,
    if(is_counted, city_figures.received, NULL) AS received,
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
    shares(feedback_on_time_rate, feedback_on_time_rate_before) AS feedback_on_time_rate_trend,
    (SELECT concat(name_vi, ' / ', name_en) FROM leading_rule) AS rule
FROM city_figures
WHERE period = '{period}'
