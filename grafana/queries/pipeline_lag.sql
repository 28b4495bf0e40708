SELECT $__timeInterval(at) AS time, max(lag_seconds) AS `Độ trễ / Lag`
FROM pulse
WHERE $__timeFilter(at)
GROUP BY time
ORDER BY time
