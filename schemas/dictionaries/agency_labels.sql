-- What each declared code and alias is called today: the version of today, or the one before, or else the first one.
CREATE OR REPLACE DICTIONARY agency_labels
(
    agency String,
    code String,
    name_vi String,
    name_en String,
    parent String,
    level String,
    `group` String,
    is_current UInt8
)
PRIMARY KEY agency
SOURCE(CLICKHOUSE(
    USER 'dossier_dictionaries'
    QUERY $query$
WITH
    (SELECT max(load) FROM `{database}`.reference_loads WHERE kind = 'agencies') AS current,
    toDate32(toString(toDate(now('{time_zone}')))) AS today,
    codes AS
    (
        SELECT arrayJoin(arrayDistinct(arrayPushFront(groupUniqArrayArray(aliases), code))) AS name, code
        FROM `{database}`.agencies
        WHERE load = current
        GROUP BY code
    ),
    versions AS
    (
        SELECT
            code,
            argMax((name_vi, name_en, parent, level, `group`), (valid_from <= today, if(valid_from <= today, 1, -1) * toInt32(valid_from))) AS version,
            max(today BETWEEN valid_from AND valid_to) AS is_current
        FROM `{database}`.agencies
        WHERE load = current
        GROUP BY code
    )
SELECT
    codes.name AS agency,
    versions.code AS code,
    version.1 AS name_vi,
    version.2 AS name_en,
    if(parents.code = '', version.3, parents.code) AS parent,
    version.4 AS level,
    version.5 AS `group`,
    versions.is_current AS is_current
FROM codes
INNER JOIN versions ON versions.code = codes.code
LEFT JOIN codes AS parents ON parents.name = version.3
$query$
    INVALIDATE_QUERY $query$
SELECT max(load), toDate(now('{time_zone}')) FROM `{database}`.reference_loads WHERE kind = 'agencies'
$query$
))
LIFETIME(MIN 10 MAX 30)
LAYOUT(COMPLEX_KEY_HASHED())
COMMENT 'Codes, names, parents, levels and groups of agencies by code or alias'
