-- The chosen agency with all below it, its own, and each agency directly below it with all below that: the figures of the
-- chosen period so far, and what waits as of now. The counts of the rows after the first add up to the first.
-- Counts are NULL where nothing was ever counted.
SELECT
    if(part.1 = 'below', dictGetOrDefault('agency_labels', 'level', tuple(agency), ''), part.1) AS part_of,
    part.2 AS agency,
    {agency_name} AS agency_name,
    if(max(placed.is_counted), sum(counted.received), NULL) AS received,
    sum(counted.received_online) / nullIf(sum(counted.received), 0) AS online_rate,
    if(max(placed.is_counted), sum(counted.resolved), NULL) AS resolved,
    sum(counted.on_time) / nullIf(sum(counted.judged), 0) AS on_time_rate,
    sum(counted.fee_paid_online) / nullIf(sum(counted.fee_bearing), 0) AS online_payment_rate,
    sum(counted.satisfied) / nullIf(sum(counted.rated), 0) AS satisfaction_rate,
    if(max(placed.is_counted), sum(waiting.open), NULL) AS open,
    if(max(placed.is_counted), sum(waiting.overdue), NULL) AS overdue
FROM
(
    SELECT
        agency,
        is_counted,
        {chosen} AS chosen,
        indexOf(path, chosen) AS found,
        if(found = 0, '', path[found + 1]) AS child,
        arrayJoin([('all', chosen), if(child = '', ('own', chosen), ('below', child))]) AS part
    FROM
    (
        {agency_places}
    )
    WHERE has(places, chosen)
) AS placed
LEFT JOIN
(
    SELECT
        agency,
        sum(agency_days.received) AS received,
        sum(agency_days.received_online) AS received_online,
        sum(agency_days.resolved) AS resolved,
        sum(agency_days.on_time) AS on_time,
        sum(agency_days.judged) AS judged,
        sum(agency_days.fee_bearing) AS fee_bearing,
        sum(agency_days.fee_paid_online) AS fee_paid_online,
        sum(agency_days.rated) AS rated,
        sum(agency_days.satisfied) AS satisfied
    FROM agency_days
    WHERE day >= (SELECT minOrNull(toDate(start)) FROM periods WHERE period = decodeURLComponent('${period:percentencode}'))
        AND day <= (SELECT toDate(start) FROM periods WHERE period = 'day')
        AND {agency_is_chosen}
    GROUP BY agency
) AS counted ON counted.agency = placed.agency
LEFT JOIN
(
    SELECT agency, countIf(is_open) AS open, countIf(is_overdue) AS overdue
    FROM dossiers
    WHERE {agency_is_chosen}
    GROUP BY agency
) AS waiting ON waiting.agency = placed.agency
GROUP BY part
ORDER BY multiIf(part.1 = 'all', 0, part.1 = 'own', 1, 2), agency_name, agency
