SELECT
    start AS time,
    received AS `Tiếp nhận / Received`,
    resolved AS `Giải quyết / Resolved`,
    resolved - resolved_on_time AS `Quá hạn / Late`
FROM agency_windows
WHERE period = 'day' AND agency = decodeURLComponent('${agency:percentencode}') AND $__timeFilter(start)
ORDER BY time
