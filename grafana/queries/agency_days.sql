SELECT
    start AS time,
    sum(agency_windows.received) AS `Tiếp nhận / Received`,
    sum(agency_windows.resolved) AS `Giải quyết / Resolved`,
    sum(agency_windows.judged - agency_windows.on_time) AS `Quá hạn / Late`
FROM agency_windows
WHERE period = 'day' AND {agency_is_chosen} AND $__timeFilter(start)
GROUP BY time
ORDER BY time
