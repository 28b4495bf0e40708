-- Agencies by a rate; the median of peers is of those of half to twice the volume, of the chosen groups alone.
WITH
    rated AS
    (
        SELECT
            node AS agency,
            toInt64(sum(part)) AS numerator,
            toInt64(sum(whole)) AS denominator,
            numerator / nullIf(denominator, 0) AS rate,
            denominator >= {minimum} AS is_ranked
        FROM
        (
            SELECT arrayJoin(if({counts} = 'below', placed.path, [placed.path[-1]])) AS node, counted.part, counted.whole
            FROM
            (
                SELECT agency, sum({numerator}) AS part, sum({denominator}) AS whole
                FROM agency_days
                WHERE day >= (SELECT minOrNull(toDate(start)) FROM periods WHERE period = decodeURLComponent('${period:percentencode}'))
                    AND day <= (SELECT toDate(start) FROM periods WHERE period = 'day')
                GROUP BY agency
            ) AS counted
            INNER JOIN
            (
                {agency_places}
            ) AS placed ON placed.agency = counted.agency
        )
        WHERE {agency_is_chosen} AND {group_is_chosen}
        GROUP BY node
    ),
    (SELECT groupArray((denominator, rate)) FROM rated WHERE is_ranked) AS all_ranked,
    arrayFilter(peer -> peer.1 BETWEEN denominator / 2 AND denominator * 2, all_ranked) AS similar
SELECT
    if(is_ranked, toNullable(rank() OVER (PARTITION BY is_ranked ORDER BY rate DESC)), NULL) AS rank,
    agency,
    {agency_name} AS agency_name,
    numerator,
    denominator,
    rate,
    toFloat64({target}) AS target,
    multiIf(NOT is_ranked, 'quá ít / too few', rate >= target, 'ĐẠT / met', 'CHƯA ĐẠT / missed') AS against_target,
    greatest(toInt64(length(similar)) - toInt64(is_ranked), 0) AS peers,
    if(empty(similar), NULL, arrayReduce('quantileExact(0.5)', arrayMap(peer -> assumeNotNull(peer.2), similar))) AS peers_median
FROM rated
WHERE denominator > 0
ORDER BY is_ranked DESC, rate DESC, denominator DESC, agency
