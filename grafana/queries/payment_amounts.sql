SELECT start AS time, sum(paid_amount) AS `Đã nộp / Paid`, sum(refunded_amount) AS `Hoàn trả / Refunded`
FROM agency_windows
WHERE period = 'day' AND $__timeFilter(start) AND {agency_is_chosen}
GROUP BY time
ORDER BY time
