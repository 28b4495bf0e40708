WITH number -> trim(LEADING ',' FROM reverse(replaceRegexpAll(reverse(toString(number)), '([0-9]{3})', '\\1,'))) AS grouped
SELECT
    occurred_at,
    recorded_at,
    kind,
    source,
    arrayStringConcat(
        arrayMap(
            (field, raw, text) -> concat(
                {field_in_words},
                ': ',
                multiIf(
                    raw = 'true', 'có / yes',
                    raw = 'false', 'không / no',
                    field IN ('term', 'received_at'),
                        ifNull(formatDateTime(parseDateTime64BestEffortOrNull(text, 6, 'UTC'), '%d/%m/%Y %H:%i', '{zone}'), text),
                    field IN ('agency', 'receiver', 'previous_agency'), {agency_in_words},
                    field = 'procedure', {procedure_in_words},
                    field = 'amount', concat(grouped(text), ' đ'),
                    field = 'channel', {channel_in_words},
                    field = 'method', {method_in_words},
                    text)),
            fields.1,
            fields.2,
            arrayMap(raw -> if(startsWith(raw, '"'), JSONExtractString(raw), raw), fields.2)),
        '; ') AS content,
    concat(toString(partition), '@', toString(offset), ':', toString(line)) AS place
FROM
(
    SELECT *, JSONExtractKeysAndValuesRaw(payload) AS fields
    FROM events FINAL
    WHERE dossier = (
        WITH decodeURLComponent('${dossier:percentencode}') AS chosen
        SELECT if(chosen = '', (SELECT argMax(dossier, seq) FROM dossier_alerts), chosen))
)
ORDER BY occurred_at, seq, id
LIMIT 1000
