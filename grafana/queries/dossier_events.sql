SELECT
    occurred_at,
    recorded_at,
    kind,
    source,
    payload,
    concat(toString(partition), '@', toString(offset), ':', toString(line)) AS place
FROM events FINAL
WHERE dossier = ${dossier:singlequote}
ORDER BY occurred_at, seq, id
LIMIT 1000
