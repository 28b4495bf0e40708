-- What each declared procedure is called today: the version of today, or the one before, or else the first one; of a
-- version's channels, the online one.
CREATE OR REPLACE DICTIONARY procedure_labels
(
    procedure String,
    name_vi String,
    name_en String,
    field String,
    service_level String,
    is_current UInt8
)
PRIMARY KEY procedure
SOURCE(CLICKHOUSE(
    USER 'dossier_dictionaries'
    QUERY $query$
WITH toDate32(toString(toDate(now('{time_zone}')))) AS today
SELECT procedure, version.1 AS name_vi, version.2 AS name_en, version.3 AS field, version.4 AS service_level, is_current
FROM
(
    SELECT
        code AS procedure,
        argMax(
            (name_vi, name_en, field, service_level),
            (valid_from <= today, if(valid_from <= today, 1, -1) * toInt32(valid_from), channel IN ('online', ''))
        ) AS version,
        max(today BETWEEN valid_from AND valid_to) AS is_current
    FROM `{database}`.procedures
    WHERE load = (SELECT max(load) FROM `{database}`.reference_loads WHERE kind = 'procedures')
    GROUP BY code
)
$query$
    INVALIDATE_QUERY $query$
SELECT max(load), toDate(now('{time_zone}')) FROM `{database}`.reference_loads WHERE kind = 'procedures'
$query$
))
LIFETIME(MIN 10 MAX 30)
LAYOUT(COMPLEX_KEY_HASHED())
COMMENT 'Names, fields and service levels of procedures'
