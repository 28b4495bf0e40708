SELECT level, count() AS dossiers
FROM standing_alerts
WHERE $__conditionalAll(agency IN (${agency:singlequote}), $agency)
GROUP BY level
ORDER BY level
