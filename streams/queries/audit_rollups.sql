-- Roll-ups of the city beside what they are rolled up from, by another way; only what differs.
SELECT place, figure, sum(shown) AS is, sum(counted) AS should
FROM
(
    SELECT
        concat('city_past ', if(is_day, 'day ', '5 minutes '), toString(start, 'UTC')) AS place,
        arrayJoin([
            ('received', received),
            ('received_online', received_online),
            ('fee_bearing', fee_bearing),
            ('fee_paid_online', fee_paid_online),
            ('resolved', resolved),
            ('resolved_on_time', resolved_on_time),
            ('ended', ended),
            ('components', components),
            ('components_digitised', components_digitised),
            ('rated', rated),
            ('satisfied', satisfied),
            ('feedback_answered', feedback_answered),
            ('feedback_on_time', feedback_on_time)
        ]) AS each,
        each.1 AS figure,
        each.2 AS shown,
        toInt64(0) AS counted
    FROM city_past
    UNION ALL
    SELECT
        concat('city_past day ', toString(toDateTime(toStartOfDay(window, '{time_zone}'), 'UTC'), 'UTC')) AS day,
        arrayJoin([
            ('received', sum(received)),
            ('received_online', sum(received_online)),
            ('fee_bearing', sum(fee_bearing)),
            ('fee_paid_online', sum(fee_paid_online)),
            ('resolved', sum(resolved)),
            ('resolved_on_time', sum(resolved_on_time)),
            ('ended', sum(resolved + withdrawn + refused + stopped)),
            ('components', sum(components)),
            ('components_digitised', sum(components_digitised)),
            ('rated', sum(rated)),
            ('satisfied', sum(satisfied)),
            ('feedback_answered', sum(feedback_answered)),
            ('feedback_on_time', sum(feedback_on_time))
        ]) AS each,
        each.1,
        toInt64(0),
        each.2
    FROM windows FINAL
    WHERE window < (SELECT max(until) FROM city_past)
    GROUP BY day
    UNION ALL
    SELECT
        concat('city_past 5 minutes ', toString(window, 'UTC')) AS part,
        arrayJoin([
            ('received', sum(received)),
            ('received_online', sum(received_online)),
            ('fee_bearing', sum(fee_bearing)),
            ('fee_paid_online', sum(fee_paid_online)),
            ('resolved', sum(resolved)),
            ('resolved_on_time', sum(resolved_on_time)),
            ('ended', sum(resolved + withdrawn + refused + stopped)),
            ('components', sum(components)),
            ('components_digitised', sum(components_digitised)),
            ('rated', sum(rated)),
            ('satisfied', sum(satisfied)),
            ('feedback_answered', sum(feedback_answered)),
            ('feedback_on_time', sum(feedback_on_time))
        ]) AS each,
        each.1,
        toInt64(0),
        each.2
    FROM windows FINAL
    WHERE window < (SELECT max(until) FROM city_past)
        AND toDate(window, '{time_zone}') IN (SELECT toDate(start, '{time_zone}') FROM city_past WHERE NOT is_day)
    GROUP BY part
    UNION ALL
    SELECT
        concat('city_waiting ', kind) AS of_kind,
        arrayJoin([('dossiers', toInt64(sum(dossiers))), ('overdue', toInt64(sum(overdue)))]) AS each,
        each.1,
        each.2,
        toInt64(0)
    FROM city_waiting
    WHERE kind != 'refreshed'
    GROUP BY of_kind
    UNION ALL
    SELECT
        concat('city_waiting ', kind) AS of_kind,
        arrayJoin([('dossiers', toInt64(sum(dossiers))), ('overdue', toInt64(sum(overdue)))]) AS each,
        each.1,
        toInt64(0),
        each.2
    FROM waiting
    GROUP BY of_kind
)
GROUP BY place, figure
HAVING is != should
