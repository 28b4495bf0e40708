-- The place of each declared code and alias on a local day: codes from the root down to the node of its figures.
CREATE OR REPLACE DICTIONARY agency_places
(
    agency String,
    valid_from Date,
    valid_to Date,
    path Array(String)
)
PRIMARY KEY agency
SOURCE(CLICKHOUSE(
    USER 'dossier_dictionaries'
    QUERY $query$
SELECT agency, valid_from, valid_to, path
FROM `{database}`.agency_placements
WHERE load = (SELECT max(load) FROM `{database}`.reference_loads WHERE kind = 'agencies')
$query$
    INVALIDATE_QUERY $query$
SELECT max(load), toDate(now('{time_zone}')) FROM `{database}`.reference_loads WHERE kind = 'agencies'
$query$
))
LIFETIME(MIN 10 MAX 30)
LAYOUT(COMPLEX_KEY_RANGE_HASHED())
RANGE(MIN valid_from MAX valid_to)
COMMENT 'Places of agencies in the tree by local day'
