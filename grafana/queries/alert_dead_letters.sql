-- One row, always; 0 where nothing came in the last hour.
SELECT toFloat64(ifNull(sum(dead) / nullIf(sum(events) + sum(dead), 0), 0)) AS value
FROM pulse
WHERE at > now() - INTERVAL 1 HOUR
