SELECT reason, source, count() AS letters, max(published_at) AS latest
FROM open_dead_letters
GROUP BY reason, source
ORDER BY letters DESC, reason, source
LIMIT 100
