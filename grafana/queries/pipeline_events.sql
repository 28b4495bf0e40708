-- Waiting is a level, so of each worker the greatest; counted is a flow, so all of it by the length of the interval.
SELECT
    time,
    sum(waiting) AS `Đang chờ / Waiting`,
    sum(counted) / $__interval_s AS `Đếm mỗi giây / Counted a second`
FROM
(
    SELECT $__timeInterval(at) AS time, worker, max(lag_events) AS waiting, sum(events) AS counted
    FROM pulse
    WHERE $__timeFilter(at)
    GROUP BY time, worker
)
GROUP BY time
ORDER BY time
