-- The same as node_figures by the receiving office, which may be another than the deciding agency. What was received may be
-- minutes old (receiver_days).
CREATE OR REPLACE VIEW receiver_figures AS
WITH
    {way:Enum8('then' = 1, 'today' = 2)} = 'then' AS is_then,
    toDate(now(), '{time_zone}') AS today,
    (SELECT max(load) FROM reference_loads WHERE kind = 'agencies') AS current,
    -- The days after the first on which a place changes: between two of them, each agency has one place.
    (
        SELECT groupUniqArray(valid_from)
        FROM agency_placements
        WHERE load = current AND is_then AND valid_from > {since:Date} AND valid_from <= {until:Date}
    ) AS changes
SELECT
    node,
    parent,
    path,
    is_own,
    agency_names.name_vi AS name_vi,
    agency_names.name_en AS name_en,
    agency_names.level AS level,
    agency_names.`group` AS `group`,
    agency_names.code != '' AS is_declared,
    received,
    received_online,
    received_postal,
    if(is_known, counted.open, NULL) AS open,
    if(is_known, counted.overdue, NULL) AS overdue
FROM
(
    SELECT
        arraySlice(whole_path, 1, depth) AS path,
        path[-1] AS node,
        if(depth > 1, whole_path[depth - 1], '') AS parent,
        depth = length(whole_path) AS is_own,
        (SELECT maxOrNull(due_at) > now64(6) - INTERVAL 10 MINUTE FROM city_waiting WHERE kind = 'refreshed') AS is_known,
        sum(placed.received) AS received,
        sum(placed.received_online) AS received_online,
        sum(placed.received_postal) AS received_postal,
        sum(placed.open) AS open,
        sum(placed.overdue) AS overdue
    FROM
    (
        SELECT parts.*, if(empty(places.path), [code], places.path) AS whole_path
        FROM
        (
            SELECT
                toString(receiver) AS code,
                if(is_then, max(day), today) AS placed_on,
                sum(receiver_days.received) AS received,
                sum(receiver_days.received_online) AS received_online,
                sum(receiver_days.received_postal) AS received_postal,
                0 AS open,
                0 AS overdue
            FROM receiver_days
            WHERE day BETWEEN {since:Date} AND {until:Date}
            GROUP BY receiver, arrayCount(change -> change <= day, changes)
            UNION ALL
            SELECT
                toString(receiver),
                today,
                0, 0, 0,
                sum(dossiers),
                sumIf(dossiers, now64(6) > due_at)
            FROM city_waiting
            WHERE kind = 'now' AND dossiers > 0
            GROUP BY receiver
        ) AS parts
        ASOF LEFT JOIN
        (
            SELECT agency, valid_from, path FROM agency_placements WHERE load = current
        ) AS places ON parts.code = places.agency AND parts.placed_on >= places.valid_from
    ) AS placed
    ARRAY JOIN arrayEnumerate(whole_path) AS depth
    GROUP BY path, parent, node, is_own
) AS counted
LEFT JOIN agency_names ON agency_names.code = counted.node
SETTINGS join_use_nulls = 0
