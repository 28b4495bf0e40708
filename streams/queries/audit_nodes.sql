-- Counters of each agency, apart for the days between two changes of the tree, with the last of its days, and today.
SELECT
    toString(agency) AS code,
    max(toDate(window, '{time_zone}')) AS day,
    toDate(now(), '{time_zone}') AS today,
    sumForEach([{counters}]) AS counted
FROM windows FINAL
GROUP BY agency, arrayCount(change -> toString(toDate(window, '{time_zone}')) >= change, CAST(%(changes)s, 'Array(String)'))
