-- Always one row.
SELECT uniqExact(worker) AS workers
FROM pulse
WHERE at > now() - INTERVAL 1 MINUTE
