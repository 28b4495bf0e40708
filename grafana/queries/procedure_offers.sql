-- Procedures that are valid today by how far they are offered online, and how many of them were used in the time range.
-- `all` is the number of all; `online` are those that are offered in full or in part, by the newer or the older words.
WITH assumeNotNull((SELECT toDate(start) FROM periods WHERE period = 'day')) AS today
SELECT
    arrayJoin(arrayConcat(['all', offer], if(offer IN ('full', 'partial', '3', '4'), ['online'], []))) AS service_level,
    count() AS procedures,
    procedures / max(every) AS procedures_share,
    countIf(uses.dossiers > 0) AS used,
    used / procedures AS used_share,
    countIf(uses.online > 0) AS used_online,
    used_online / procedures AS used_online_share
FROM
(
    SELECT
        procedure,
        max(if(channel = 'online', service_level, '')) AS stated,
        if(stated = '', 'none', stated) AS offer,
        count() OVER () AS every
    FROM procedure_versions
    WHERE today BETWEEN valid_from AND valid_to
    GROUP BY procedure
) AS offered
LEFT JOIN
(
    SELECT procedure, count() AS dossiers, countIf(channel = 'online') AS online
    FROM dossiers
    WHERE $__timeFilter(received_at) AND {agency_is_chosen}
    GROUP BY procedure
) AS uses ON uses.procedure = offered.procedure
GROUP BY service_level
ORDER BY indexOf(['all', 'online', 'full', '4', 'partial', '3', 'information', 'none'], service_level)
