-- How each worker does, a row every few seconds: where nobody scrapes metrics, Grafana still sees it, and sees when it ends.
CREATE TABLE IF NOT EXISTS pulse
(
    at            DateTime64(3, 'UTC')   COMMENT 'When it was written',
    worker        LowCardinality(String) COMMENT 'Name of the worker',
    partitions    UInt16                 COMMENT 'Partitions it owned',
    lag_records   UInt64                 COMMENT 'Kafka records of these that were not counted yet',
    lag_events    UInt64                 COMMENT 'Events in them, estimated',
    lag_seconds   Float64                COMMENT 'Age of the oldest of them, 0 when none waited',
    events        UInt64                 COMMENT 'Events counted since the row before',
    dead          UInt64                 COMMENT 'Lines put aside since the row before',
    freshness_p50 Nullable(Float64)      COMMENT 'Seconds from a record''s timestamp until it was counted, median since the row before',
    freshness_p99 Nullable(Float64)      COMMENT 'The same, 99 of 100 records',
    insert_p50    Nullable(Float64)      COMMENT 'Seconds of an insert, median since the row before',
    insert_p99    Nullable(Float64)      COMMENT 'The same, 99 of 100 inserts'
)
ENGINE = {replicated}MergeTree
ORDER BY at
TTL toDateTime(at) + INTERVAL 90 DAY
COMMENT 'How each worker does';

CREATE TABLE IF NOT EXISTS audits
(
    at                 DateTime64(3, 'UTC') COMMENT 'When it ended',
    seconds            Float64              COMMENT 'How long it took',
    dossiers           UInt64               COMMENT 'Cases recomputed',
    windows            UInt64               COMMENT 'Windows recomputed',
    events             UInt64               COMMENT 'Events they were recomputed from',
    facts_differences  UInt64               COMMENT 'Columns of facts that were not what the events say',
    window_differences UInt64               COMMENT 'Counters that were not what the facts add up to',
    conflicts          UInt64               COMMENT 'Event ids with several contents'
)
ENGINE = {replicated}MergeTree
ORDER BY at
COMMENT 'What each audit found';
