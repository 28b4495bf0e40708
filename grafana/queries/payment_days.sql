SELECT start AS time, sum(payments) AS `Tất cả / All`, sum(payments_online) AS `Trực tuyến / Online`
FROM agency_windows
WHERE period = 'day' AND $__timeFilter(start) AND $__conditionalAll(agency IN (${agency:singlequote}), $agency)
GROUP BY time
ORDER BY time
