-- Roll-ups of agencies in one month against the windows of its days, computed in another way; only what differs.
WITH
    toDateTime(%(month)s, '{time_zone}') AS first,
    addMonths(first, 1) AS end,
    (SELECT max(until) FROM agency_past) AS until,
    (SELECT count() > 0 FROM agency_months WHERE month = %(month)s) AS is_whole
SELECT place, differing.1 AS figure, differing.2 AS is, differing.3 AS should
FROM
(
    SELECT
        concat(of_table, ' ', day, ' ', agency) AS place,
        arrayFilter(
            each -> each.2 != each.3,
            arrayZip(splitByString(', ', '{counters}'), sumForEach(shown), sumForEach(counted))) AS differ
    FROM
    (
        SELECT 'agency_past' AS of_table, toString(day) AS day, toString(agency) AS agency, [{counters}] AS shown, [{noughts}] AS counted
        FROM agency_past
        WHERE agency_past.day >= toDate(%(month)s) AND agency_past.day < addMonths(toDate(%(month)s), 1)
        UNION ALL
        SELECT 'agency_months', toString(month), toString(agency), [{counters}], [{noughts}]
        FROM agency_months
        WHERE month = %(month)s
        UNION ALL
        SELECT place.1, place.2, toString(agency), [{noughts}], [{counters}]
        FROM windows FINAL
        ARRAY JOIN arrayConcat(
            if(window < until, [('agency_past', formatDateTime(window, '%%Y-%%m-%%d', '{time_zone}'))], []),
            if(is_whole, [('agency_months', toString(%(month)s))], [])) AS place
        WHERE window >= first AND window < end
    )
    GROUP BY of_table, day, agency
)
ARRAY JOIN differ AS differing
