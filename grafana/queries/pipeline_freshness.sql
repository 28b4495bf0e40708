SELECT
    $__timeInterval(at) AS time,
    max(freshness_p50) AS `Độ mới p50 / Freshness p50`,
    max(freshness_p99) AS `Độ mới p99 / Freshness p99`,
    max(insert_p50) AS `Ghi p50 / Insert p50`,
    max(insert_p99) AS `Ghi p99 / Insert p99`
FROM pulse
WHERE $__timeFilter(at)
GROUP BY time
ORDER BY time
