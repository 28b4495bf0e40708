-- How recent the figures are: per source the newest event and its age, and when counts were last written.
CREATE OR REPLACE VIEW freshness AS
SELECT
    source,
    CAST(max(sources.occurred_at), 'DateTime64(6, \'UTC\')') AS occurred_at,
    CAST(max(sources.published_at), 'DateTime64(3, \'UTC\')') AS published_at,
    dateDiff('millisecond', published_at, now64(3)) / 1000 AS age_seconds,
    (SELECT maxOrNull(written_at) FROM progress) AS counted_at
FROM sources
GROUP BY source
