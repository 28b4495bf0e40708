-- Every agency that is declared or was counted: `places` are the codes that stand for it today, from the root of the tree down
-- to the node that its figures belong to, and its own code after that.
SELECT
    agency,
    dictGetOrDefault('agency_labels', 'code', tuple(agency), agency) AS code,
    dictGetOrDefault('agency_labels', 'level', tuple(agency), '') AS level,
    dictGetOrDefault('agency_places', 'path', tuple(agency), (SELECT toDate(start) FROM periods WHERE period = 'day'), []) AS declared,
    if(empty(declared), [agency], declared) AS path,
    arrayPushBack(path, agency) AS places
FROM
(
    SELECT DISTINCT toString(agency) AS agency
    FROM
    (
        SELECT agency FROM windows
        UNION ALL
        SELECT agency FROM agency_labels
    )
    WHERE agency != ''
)
