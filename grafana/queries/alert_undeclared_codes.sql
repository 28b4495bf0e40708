-- Codes that dossiers of the last thirty days state and reference data does not declare, by kind. No row for a kind of which
-- nothing is declared.
SELECT kind, toFloat64(uniqExactIf(code, NOT is_declared)) AS value
FROM
(
    SELECT
        arrayJoin([
            ('agencies', toString(agency)),
            ('receivers', toString(receiver)),
            ('procedures', toString(procedure))
        ]) AS stated,
        stated.1 AS kind,
        stated.2 AS code,
        if(kind = 'procedures', dictHas('procedure_labels', tuple(code)), dictHas('agency_labels', tuple(code))) AS is_declared
    FROM
    (
        SELECT DISTINCT agency, receiver, procedure
        FROM dossiers
        WHERE received_at > now() - INTERVAL 30 DAY
    )
)
WHERE code != '' AND if(kind = 'procedures', {procedures_are_declared}, {agencies_are_declared})
GROUP BY kind
