-- What each declared procedure is called, its field, and how far it is offered online: by its versions of today, or the ones
-- before, or else the first ones; of several channels, by the online one.
CREATE OR REPLACE VIEW procedure_names AS
SELECT code, version.1 AS name_vi, version.2 AS name_en, version.3 AS field, version.4 AS service_level, is_current
FROM
(
    WITH toDate32(toString(toDate(now(), '{time_zone}'))) AS today
    SELECT
        code,
        argMax(
            (name_vi, name_en, field, service_level),
            (valid_from <= today, if(valid_from <= today, 1, -1) * toInt32(valid_from), channel = 'online', channel = '')) AS version,
        max(today BETWEEN valid_from AND valid_to)::Bool AS is_current
    FROM procedures
    WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'procedures')
    GROUP BY code
)
