SELECT level, count() AS dossiers
FROM standing_alerts
WHERE {agency_is_chosen}
GROUP BY level
ORDER BY level
