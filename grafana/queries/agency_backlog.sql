-- Open dossiers by age, a row a class and every class, also where it is empty.
SELECT classes.name AS age, countIf(open.days >= classes.least AND open.days < classes.less) AS dossiers
FROM
(
    SELECT arrayJoin([
        ('0–5 ngày / days', -1e9, 5.), ('5–15', 5., 15.), ('15–30', 15., 30.), ('30–90', 30., 90.), ('> 90', 90., 1e9)
    ]) AS class, class.1 AS name, class.2 AS least, class.3 AS less
) AS classes
LEFT JOIN
(
    SELECT 1 AS one, dateDiff('second', received_at, now64(6)) / 86400 AS days
    FROM dossiers
    WHERE agency = decodeURLComponent('${agency:percentencode}') AND is_open
) AS open ON open.one = 1
GROUP BY classes.name, classes.least
ORDER BY classes.least
SETTINGS join_use_nulls = 1
