-- How many dossiers stood how by each rule at the end of each month in which they were open, or stand now in this month:
-- by the serving facts beside the new ones, where they differ.
SELECT
    %(topic)s AS topic,
    %(epoch)s AS epoch,
    agency,
    month,
    ['instant', 'date', 'decision 766', 'report form'][number] AS rule,
    ['early', 'on_time', 'late', 'in_term', 'overdue'][standing] AS figure,
    sumIf(dossiers, NOT is_after) AS before,
    sumIf(dossiers, is_after) AS after
FROM
(
    SELECT false AS is_after, * FROM ({standings_before})
    UNION ALL
    SELECT true AS is_after, * FROM ({standings_after})
)
ARRAY JOIN standings AS standing, [1, 2, 3, 4] AS number
WHERE standing > 0
GROUP BY agency, month, number, standing
HAVING before != after
