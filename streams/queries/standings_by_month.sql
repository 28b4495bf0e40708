WITH
    {verdicts},
    fromUnixTimestamp64Micro(%(now)s, 'UTC') AS present,
    toStartOfMonth(toDate(received_at, '{time_zone}')) AS first,
    toStartOfMonth(toDate(least(ifNull(outcome_at, present), present), '{time_zone}')) AS last
SELECT
    toString(agency) AS agency,
    arrayJoin(arrayMap(after -> addMonths(first, after), range(toUInt32(1 + greatest(dateDiff('month', first, last), 0))))) AS month,
    least(subtractMicroseconds(toDateTime64(addMonths(month, 1), 6, '{time_zone}'), 1), present) AS as_of,
    [standing_by(1, as_of), standing_by(2, as_of), standing_by(3, as_of), standing_by(4, as_of)] AS standings,
    toInt64(count()) AS dossiers
FROM {facts} FINAL
WHERE case_kind = 'dossier' AND NOT voided AND received_at <= present
GROUP BY agency, month, as_of, standings
