-- The version of its procedure that each dossier has: the one that was valid on the local day of its reception, for its
-- channel. `fee` is what was due that day by that version, and NULL where no version was valid.
CREATE OR REPLACE VIEW dossier_procedures AS
SELECT
    dossiers.dossier AS dossier,
    dossiers.agency AS agency,
    dossiers.procedure AS procedure,
    dossiers.channel AS channel,
    dossiers.received_at AS received_at,
    versions.code != '' AND received_on <= versions.valid_to AS is_declared,
    if(is_declared, toNullable(versions.valid_from), NULL) AS valid_from,
    if(is_declared, versions.name_vi, '') AS name_vi,
    if(is_declared, versions.name_en, '') AS name_en,
    if(is_declared, versions.field, '') AS field,
    if(is_declared, versions.levels, []) AS levels,
    if(is_declared, versions.service_level, '') AS service_level,
    if(is_declared, versions.term, NULL) AS term,
    if(is_declared, versions.unit, '') AS unit,
    if(is_declared, toNullable(arraySum(line -> if(received_on BETWEEN line.3 AND line.4, line.2, 0), versions.fees)), NULL) AS fee,
    fee > 0 AS bears_fee,
    if(is_declared, toNullable(versions.electronic_result), NULL) AS electronic_result,
    if(is_declared, versions.components_reusable, []) AS components_reusable
FROM
(
    SELECT
        dossier,
        agency,
        toString(procedure) AS procedure,
        toString(channel) AS channel,
        received_at,
        toDate32(toString(toDate(assumeNotNull(received_at), '{time_zone}'))) AS received_on
    FROM facts FINAL
    WHERE case_kind = 'dossier' AND NOT voided
) AS dossiers
ASOF LEFT JOIN
(
    SELECT *, arrayJoin(if(channel = '', ['online', 'direct', 'postal'], [toString(channel)])) AS of_channel
    FROM procedures
    WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'procedures')
) AS versions
    ON dossiers.procedure = versions.code AND dossiers.channel = versions.of_channel AND dossiers.received_on >= versions.valid_from
SETTINGS join_use_nulls = 0
