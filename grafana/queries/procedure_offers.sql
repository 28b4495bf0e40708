-- Procedures that are valid today by how far they are offered online, and how many of them were used in the time range:
-- in which a dossier was received. `online` are those offered in full or in part, by the newer or the older words.
SELECT
    arrayJoin(arrayConcat(['all', offered.level], if(offered.level IN ('full', 'partial', '3', '4'), ['online'], []))) AS service_level,
    count() AS procedures,
    procedures / max(every) AS procedures_share,
    countIf(uses.dossiers > 0) AS used,
    used / procedures AS used_share,
    countIf(uses.online > 0) AS used_online,
    used_online / procedures AS used_online_share
FROM
(
    SELECT procedure, service_level AS level, count() OVER () AS every
    FROM procedure_labels
    WHERE is_current
) AS offered
LEFT JOIN
(
    SELECT toString(procedure) AS procedure, count() AS dossiers, countIf(channel = 'online') AS online
    FROM dossiers
    WHERE $__timeFilter(received_at) AND {agency_is_chosen}
    GROUP BY procedure
) AS uses ON uses.procedure = offered.procedure
GROUP BY service_level
ORDER BY indexOf(['all', 'online', 'full', '4', 'partial', '3', 'information'], service_level)
