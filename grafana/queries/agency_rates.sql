SELECT
    start AS time,
    sum(on_time) / nullIf(sum(judged), 0) AS `Đúng hạn / On time`,
    sum(received_online) / nullIf(sum(received), 0) AS `Trực tuyến / Online`
FROM agency_windows
WHERE period = 'month' AND {agency_is_chosen} AND start >= now() - INTERVAL 24 MONTH
GROUP BY time
ORDER BY time
