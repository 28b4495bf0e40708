-- The version of a procedure that a dossier has, by the channel and the local day of its reception.
CREATE OR REPLACE DICTIONARY procedure_versions
(
    procedure String,
    channel String,
    valid_from Date32,
    valid_to Date32,
    version_from Date32,
    name_vi String,
    name_en String,
    field String,
    levels Array(String),
    service_level String,
    term Nullable(UInt16),
    unit String,
    fee_names Array(String),
    fee_amounts Array(Int64),
    fee_from Array(Date32),
    fee_to Array(Date32),
    electronic_result UInt8,
    components_reusable Array(String)
)
PRIMARY KEY procedure, channel
SOURCE(CLICKHOUSE(
    USER 'dossier_dictionaries'
    QUERY $query$
SELECT
    code AS procedure,
    arrayJoin(if(channel = '', ['online', 'direct', 'postal'], [toString(channel)])) AS channel,
    valid_from,
    valid_to,
    valid_from AS version_from,
    name_vi,
    name_en,
    field,
    levels,
    service_level,
    term,
    unit,
    fees.name AS fee_names,
    fees.amount AS fee_amounts,
    fees.valid_from AS fee_from,
    fees.valid_to AS fee_to,
    electronic_result,
    components_reusable
FROM `{database}`.procedures
WHERE load = (SELECT max(load) FROM `{database}`.reference_loads WHERE kind = 'procedures')
$query$
    INVALIDATE_QUERY $query$
SELECT max(load), toDate(now('{time_zone}')) FROM `{database}`.reference_loads WHERE kind = 'procedures'
$query$
))
LIFETIME(MIN 10 MAX 30)
LAYOUT(COMPLEX_KEY_RANGE_HASHED())
RANGE(MIN valid_from MAX valid_to)
COMMENT 'Versions of procedures by channel and local day of reception'
