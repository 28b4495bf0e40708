-- Records of the last thirty days that contradict each other, by kind; none where there are none.
SELECT kind, toFloat64(count()) AS value
FROM data_conflicts
WHERE since > now() - INTERVAL 30 DAY
GROUP BY kind
