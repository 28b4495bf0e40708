-- What was counted in a span of time at each place in the tree, of then or of today; and what is open and overdue as of now,
-- at the places of today. A place may have several rows.
WITH
    (SELECT max(load) FROM reference_loads WHERE kind = 'agencies') AS current,
    toDate(now(), '{time_zone}') AS today,
    -- The days on which a place changes: between two of them, each agency has one place.
    (SELECT groupUniqArray(valid_from) FROM agency_placements WHERE load = current AND %(then)s) AS changes
SELECT if(empty(places.path), [code], places.path) AS path, counted, open, overdue
FROM
(
    SELECT
        toString(agency) AS code,
        if(%(then)s, max(toDate(window, '{time_zone}')), today) AS placed_on,
        sumForEach([{counters}]) AS counted,
        0 AS open,
        0 AS overdue
    FROM windows FINAL
    WHERE window >= %(since)s AND window < %(until)s
    GROUP BY agency, arrayCount(change -> change <= toDate(window, '{time_zone}'), changes)
    UNION ALL
    SELECT toString(agency), today, CAST([], 'Array(Int64)'), countIf(is_open), countIf(is_overdue)
    FROM dossiers
    WHERE is_open
    GROUP BY agency
) AS parts
ASOF LEFT JOIN
(
    SELECT agency, valid_from, path FROM agency_placements WHERE load = current
) AS places ON parts.code = places.agency AND parts.placed_on >= places.valid_from
SETTINGS join_use_nulls = 0
