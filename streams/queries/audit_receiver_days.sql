-- Receptions of receiving offices by day against the facts, computed in another way; only what differs.
SELECT concat('receiver_days ', day, ' ', receiver) AS place, differing.1 AS figure, differing.2 AS is, differing.3 AS should
FROM
(
    SELECT
        day,
        receiver,
        arrayFilter(each -> each.2 != each.3, arrayZip([{names}], sumForEach(shown), sumForEach(counted))) AS differ
    FROM
    (
        SELECT toString(day) AS day, toString(receiver) AS receiver, [received, received_online, received_postal] AS shown,
            [toInt64(0), 0, 0] AS counted
        FROM receiver_days
        UNION ALL
        SELECT
            formatDateTime(received_at, '%Y-%m-%d', '{time_zone}'),
            multiIf(notEmpty(receiver), receiver, agency),
            [toInt64(0), 0, 0],
            [toInt64(1), toInt64(channel = 'online'), toInt64(channel = 'postal')]
        FROM facts FINAL
        WHERE case_kind = 'dossier' AND NOT voided AND received_at IS NOT NULL
    )
    GROUP BY day, receiver
)
ARRAY JOIN differ AS differing
