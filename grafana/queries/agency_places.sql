-- Every agency that was counted, or is declared and valid today: `path` are the codes from the root of today's tree down to
-- the node that its figures belong to, and `places` has its own code as well.
SELECT
    agency,
    is_counted,
    dictGetOrDefault('agency_labels', 'code', tuple(agency), agency) AS code,
    dictGetOrDefault('agency_labels', 'level', tuple(agency), '') AS level,
    assumeNotNull((SELECT toDate(start) FROM periods WHERE period = 'day')) AS today,
    dictGetOrDefault('agency_places', 'path', tuple(agency), today, CAST([], 'Array(String)')) AS declared,
    if(empty(declared), [agency], declared) AS path,
    arrayPushBack(path, agency) AS places
FROM
(
    SELECT toString(seen.agency) AS agency, max(seen.is_counted) AS is_counted
    FROM
    (
        SELECT DISTINCT agency, true AS is_counted FROM windows
        UNION ALL
        SELECT agency, false FROM agency_labels WHERE is_current
    ) AS seen
    GROUP BY agency
)
WHERE agency != ''
