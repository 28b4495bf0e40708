SELECT start AS time, sum(payments) AS `Tất cả / All`, sum(payments_online) AS `Trực tuyến / Online`
FROM agency_windows
WHERE period = 'day' AND $__timeFilter(start) AND {agency_is_chosen}
GROUP BY time
ORDER BY time
