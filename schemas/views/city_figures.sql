-- The figures of the whole city for this day, month and year so far, each beside what it was at the same point of the
-- day, month or year before (`…_before`). Always one row a period, also where nothing was counted.
-- What is overdue, and what was open and overdue before, may be a quarter of a minute old (city_waiting); where there are
-- half a million windows or more, corrections of former days may be five minutes old (city_past).
-- `resolved_on_time` is as sent, by the terms of the profile; `on_time` of `judged`, `late`, `overdue` and the overall rate are
-- by the leading rule. Rates are NULL where their denominator is 0, and what city_waiting
-- tells is NULL where it was not filled for ten minutes: nobody knows it, and 0 would look well.
CREATE OR REPLACE VIEW city_figures AS
WITH
    ['day', 'month', 'year'] AS all_periods,
    [
        toStartOfDay(now(), '{time_zone}'),
        toDateTime(toStartOfMonth(now(), '{time_zone}'), '{time_zone}'),
        toDateTime(toStartOfYear(now(), '{time_zone}'), '{time_zone}')
    ] AS starts,
    [
        toStartOfDay(now('{time_zone}') - INTERVAL 1 DAY, '{time_zone}'),
        toDateTime(toStartOfMonth(now('{time_zone}') - INTERVAL 1 MONTH, '{time_zone}'), '{time_zone}'),
        toDateTime(toStartOfYear(now('{time_zone}') - INTERVAL 1 YEAR, '{time_zone}'), '{time_zone}')
    ] AS starts_before,
    [
        now('{time_zone}') - INTERVAL 1 DAY,
        now('{time_zone}') - INTERVAL 1 MONTH,
        now('{time_zone}') - INTERVAL 1 YEAR
    ] AS nows_before,
    max(parts.refreshed_at) > now64(6) - INTERVAL 10 MINUTE AS is_known
SELECT
    all_periods[place] AS period,
    starts[place] AS start,
    sumIf(parts.received, is_now) AS received,
    sumIf(parts.received, is_before) AS received_before,
    sumIf(parts.resolved, is_now) AS resolved,
    sumIf(parts.resolved, is_before) AS resolved_before,
    sumIf(parts.resolved_on_time, is_now) AS resolved_on_time,
    sumIf(parts.resolved_on_time, is_before) AS resolved_on_time_before,
    resolved - resolved_on_time AS resolved_late,
    resolved_before - resolved_on_time_before AS resolved_late_before,
    sumIf(parts.judged, is_now) AS judged,
    sumIf(parts.judged, is_before) AS judged_before,
    sumIf(parts.on_time, is_now) AS on_time,
    sumIf(parts.on_time, is_before) AS on_time_before,
    judged - on_time AS late,
    judged_before - on_time_before AS late_before,
    sum(parts.open) AS open,
    if(is_known, sum(parts.open_before), NULL) AS open_before,
    if(is_known, sum(parts.overdue), NULL) AS overdue,
    if(is_known, sum(parts.overdue_before), NULL) AS overdue_before,
    (on_time + open - overdue) / nullIf(judged + open, 0) AS overall_on_time_rate,
    (on_time_before + open_before - overdue_before) / nullIf(judged_before + open_before, 0)
        AS overall_on_time_rate_before,
    sumIf(parts.received_online, is_now) / nullIf(sumIf(parts.received, is_now), 0) AS online_rate,
    sumIf(parts.received_online, is_before) / nullIf(sumIf(parts.received, is_before), 0) AS online_rate_before,
    sumIf(parts.fee_paid_online, is_now) / nullIf(sumIf(parts.fee_bearing, is_now), 0) AS online_payment_rate,
    sumIf(parts.fee_paid_online, is_before) / nullIf(sumIf(parts.fee_bearing, is_before), 0) AS online_payment_rate_before,
    sumIf(parts.components_digitised, is_now) / nullIf(sumIf(parts.components, is_now), 0) AS digitisation_rate,
    sumIf(parts.components_digitised, is_before) / nullIf(sumIf(parts.components, is_before), 0) AS digitisation_rate_before,
    sumIf(parts.satisfied, is_now) / nullIf(sumIf(parts.rated, is_now), 0) AS satisfaction_rate,
    sumIf(parts.satisfied, is_before) / nullIf(sumIf(parts.rated, is_before), 0) AS satisfaction_rate_before,
    sumIf(parts.feedback_on_time, is_now) / nullIf(sumIf(parts.feedback_answered, is_now), 0) AS feedback_on_time_rate,
    sumIf(parts.feedback_on_time, is_before) / nullIf(sumIf(parts.feedback_answered, is_before), 0) AS feedback_on_time_rate_before
FROM
(
    -- Up to yesterday by whole days, but for the day in which the same point lies: that by five minutes.
    SELECT
        arrayJoin([1, 2, 3]) AS place,
        is_day AND city_past.start >= starts[place] AS is_now,
        city_past.start >= starts_before[place]
            AND if(is_day,
                city_past.start < toStartOfDay(nows_before[place], '{time_zone}'),
                city_past.start >= toStartOfDay(nows_before[place], '{time_zone}') AND city_past.start < nows_before[place])
            AS is_before,
        received,
        received_online,
        fee_bearing,
        fee_paid_online,
        resolved,
        resolved_on_time,
        components,
        components_digitised,
        rated,
        satisfied,
        feedback_answered,
        feedback_on_time,
        on_time,
        judged,
        if(is_day, city_past.received - ended, 0) AS open,
        0 AS open_before,
        0 AS overdue,
        0 AS overdue_before,
        CAST(NULL, 'Nullable(DateTime64(6, \'UTC\'))') AS refreshed_at
    FROM city_past
    WHERE (SELECT count() FROM windows) >= 500000
    UNION ALL
    SELECT
        arrayJoin([1, 2, 3]) AS place,
        window >= starts[place],
        window >= starts_before[place] AND window < nows_before[place],
        received,
        received_online,
        fee_bearing,
        fee_paid_online,
        resolved,
        resolved_on_time,
        components,
        components_digitised,
        rated,
        satisfied,
        feedback_answered,
        feedback_on_time,
        {on_time},
        {judged},
        windows.received - resolved - withdrawn - refused - stopped,
        0,
        0,
        0,
        NULL
    FROM windows FINAL
    WHERE (SELECT count() FROM windows) < 500000 OR window >= (SELECT max(until) FROM city_past)
    UNION ALL
    SELECT
        arrayJoin([1, 2, 3]) AS place,
        false,
        false,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        if(kind = all_periods[place], dossiers, 0),
        if(kind = 'now' AND now64(6) > due_at, dossiers, 0),
        if(kind = all_periods[place], city_waiting.overdue, 0),
        if(kind = 'refreshed', due_at, NULL)
    FROM city_waiting
    UNION ALL
    -- A row a period, whatever was counted.
    SELECT arrayJoin([1, 2, 3]), false, false, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL
) AS parts
GROUP BY place
