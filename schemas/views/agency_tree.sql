-- The agencies as they form a tree on a local day: declared ones, as they were called then, and codes that were counted
-- and are not declared, each a root of its own. An agency that is not valid that day still has the place of its figures,
-- unless others took them over: those of a merged agency belong to its successor, and it is no node any more.
CREATE OR REPLACE VIEW agency_tree AS
SELECT
    code,
    version.1 AS name_vi,
    version.2 AS name_en,
    if(length(path) > 1, path[-2], '') AS parent,
    version.3 AS level,
    version.4 AS `group`,
    length(path) AS depth,
    path,
    is_valid,
    true AS is_declared
FROM
(
    WITH toDate32(toString({as_of:Date})) AS that_day
    SELECT
        code,
        -- The version of the day, or the one before, or else the first one.
        argMax(
            (name_vi, name_en, level, `group`),
            (valid_from <= that_day, if(valid_from <= that_day, 1, -1) * toInt32(valid_from))) AS version,
        max(that_day BETWEEN valid_from AND valid_to)::Bool AS is_valid
    FROM agencies
    WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'agencies')
    GROUP BY code
) AS named
INNER JOIN
(
    SELECT agency, path
    FROM agency_placements
    WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'agencies')
        AND {as_of:Date} BETWEEN valid_from AND valid_to AND agency = path[-1]
) AS placed ON placed.agency = named.code
UNION ALL
SELECT code, '', '', '', '', '', 1, [code], false, false
FROM
(
    SELECT toString(agency) AS code FROM (SELECT DISTINCT agency FROM agency_days)
    UNION DISTINCT
    SELECT toString(receiver) FROM (SELECT DISTINCT receiver FROM receiver_days)
)
WHERE code NOT IN (SELECT agency FROM agency_placements WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'agencies'))
