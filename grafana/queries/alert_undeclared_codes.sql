-- Codes that dossiers of the last thirty days state and reference data does not declare, by kind. No row for a kind of which
-- nothing is declared. Officials are those of the latest steps.
SELECT kind, toFloat64(uniqExactIf(code, NOT is_declared)) AS value
FROM
(
    SELECT
        arrayJoin([
            ('agencies', toString(agency)),
            ('receivers', toString(receiver)),
            ('procedures', toString(procedure)),
            ('officials', toString(official))
        ]) AS stated,
        stated.1 AS kind,
        stated.2 AS code,
        multiIf(
            kind = 'procedures', dictHas('procedure_labels', tuple(code)),
            kind = 'officials',
            code IN (SELECT code FROM officials WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'officials')),
            dictHas('agency_labels', tuple(code))) AS is_declared
    FROM
    (
        SELECT DISTINCT agency, receiver, procedure, official
        FROM dossiers
        WHERE received_at > now() - INTERVAL 30 DAY
    )
)
WHERE code != ''
    AND multiIf(
        kind = 'procedures', {procedures_are_declared},
        kind = 'officials', {officials_are_declared},
        {agencies_are_declared})
GROUP BY kind
