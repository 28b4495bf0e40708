-- What each declared agency is called: its version of today, or the one before, or else the first one.
CREATE OR REPLACE VIEW agency_names AS
SELECT code, version.1 AS name_vi, version.2 AS name_en, version.3 AS level, version.4 AS `group`, is_current
FROM
(
    WITH toDate32(toString(toDate(now(), '{time_zone}'))) AS today
    SELECT
        code,
        argMax(
            (name_vi, name_en, level, `group`),
            (valid_from <= today, if(valid_from <= today, 1, -1) * toInt32(valid_from))) AS version,
        max(today BETWEEN valid_from AND valid_to)::Bool AS is_current
    FROM agencies
    WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'agencies')
    GROUP BY code
)
