-- Roll-ups of the city against their sources, computed in another way; only what differs.
SELECT place, figure, sum(shown) AS is, sum(counted) AS should
FROM
(
    SELECT
        concat('city_past ', if(is_day, 'day ', '5 minutes '), toString(start, 'UTC')) AS place,
        arrayJoin([{stored}]) AS each,
        each.1 AS figure,
        each.2 AS shown,
        toInt64(0) AS counted
    FROM city_past
    UNION ALL
    WITH resolved + withdrawn + refused + stopped AS ended, {on_time} AS on_time, {judged} AS judged
    SELECT
        concat('city_past day ', toString(toDateTime(toStartOfDay(window, '{time_zone}'), 'UTC'), 'UTC')) AS day,
        arrayJoin([{summed}]) AS each,
        each.1,
        toInt64(0),
        each.2
    FROM windows FINAL
    WHERE window < (SELECT max(until) FROM city_past)
    GROUP BY day
    UNION ALL
    WITH resolved + withdrawn + refused + stopped AS ended, {on_time} AS on_time, {judged} AS judged
    SELECT
        concat('city_past 5 minutes ', toString(window, 'UTC')) AS part,
        arrayJoin([{summed}]) AS each,
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
