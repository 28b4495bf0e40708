-- Every agency that was counted, took dossiers in, or is declared and valid today: `path` are the codes from the root of
-- today's tree down to the node that its figures belong to, and `places` has its own code as well. They are put into an array
-- and taken out again, since ClickHouse would else look up the place of every window, not of every agency.
SELECT
    arrayJoin(every) AS seen,
    seen.1 AS agency,
    seen.2 AS is_counted,
    dictGetOrDefault('agency_labels', 'code', tuple(agency), agency) AS code,
    dictGetOrDefault('agency_labels', 'level', tuple(agency), '') AS level,
    assumeNotNull((SELECT toDate(start) FROM periods WHERE period = 'day')) AS today,
    dictGetOrDefault('agency_places', 'path', tuple(agency), today, CAST([], 'Array(String)')) AS declared,
    if(empty(declared), [agency], declared) AS path,
    arrayPushBack(path, agency) AS places
FROM
(
    SELECT groupArray((code, is_known)) AS every
    FROM
    (
        SELECT toString(agency) AS code, max(is_counted) AS is_known
        FROM
        (
            SELECT DISTINCT agency, true AS is_counted FROM windows
            UNION ALL
            SELECT DISTINCT receiver, false FROM receiver_days
            UNION ALL
            SELECT agency, false FROM agency_labels WHERE is_current
        )
        WHERE agency != ''
        GROUP BY code
    )
)
