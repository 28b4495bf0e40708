SELECT
    occurred_at,
    recorded_at,
    kind,
    source,
    payload,
    concat(toString(partition), '@', toString(offset), ':', toString(line)) AS place
FROM events FINAL
WHERE dossier = (
    SELECT if(${dossier:singlequote} = '', (SELECT argMax(dossier, seq) FROM dossier_alerts), ${dossier:singlequote}))
ORDER BY occurred_at, seq, id
LIMIT 1000
