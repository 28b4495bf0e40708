-- Counters of months that a rebuild changes: what the serving windows add up to beside the new ones.
SELECT
    %(topic)s AS topic,
    %(epoch)s AS epoch,
    agency,
    month,
    '' AS rule,
    counted.1 AS figure,
    sumIf(counted.2, NOT is_after) AS before,
    sumIf(counted.2, is_after) AS after
FROM
(
    SELECT false AS is_after, agency, toStartOfMonth(toDate(window, '{time_zone}')) AS month, [{counters}] AS figures
    FROM windows FINAL
    GROUP BY agency, month
    UNION ALL
    SELECT true AS is_after, agency, toStartOfMonth(toDate(window, '{time_zone}')) AS month, [{counters}] AS figures
    FROM windows_rebuilt FINAL
    GROUP BY agency, month
)
ARRAY JOIN figures AS counted
GROUP BY agency, month, counted.1
HAVING before != after
