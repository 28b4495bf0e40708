SELECT
    occurred_at,
    recorded_at,
    kind,
    source,
    payload,
    concat(toString(partition), '@', toString(offset), ':', toString(line)) AS place
FROM events FINAL
WHERE dossier = (
    WITH decodeURLComponent('${dossier:percentencode}') AS chosen
    SELECT if(chosen = '', (SELECT argMax(dossier, seq) FROM dossier_alerts), chosen))
ORDER BY occurred_at, seq, id
LIMIT 1000
