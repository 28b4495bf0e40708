SELECT source, occurred_at, published_at, age_seconds
FROM freshness
ORDER BY age_seconds DESC, source
