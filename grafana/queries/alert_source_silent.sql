-- One row per source that ever published.
SELECT source, toFloat64(age_seconds) AS value
FROM freshness
ORDER BY source
