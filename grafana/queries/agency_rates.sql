SELECT start AS time, on_time_rate AS `Đúng hạn / On time`, online_rate AS `Trực tuyến / Online`
FROM agency_windows
WHERE period = 'month' AND agency = decodeURLComponent('${agency:percentencode}') AND start >= now() - INTERVAL 24 MONTH
ORDER BY time
