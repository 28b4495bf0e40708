-- How old the newest event is that is counted, in one row; NULL where nothing was counted yet.
CREATE OR REPLACE VIEW data_age AS
SELECT
    maxOrNullIf(progress.published_at, record_offset >= 0) AS published_at,
    dateDiff('second', published_at, now64(3)) AS seconds,
    formatDateTime(published_at, '%H:%i:%S %d/%m/%Y', '{time_zone}') AS published_local
FROM progress
