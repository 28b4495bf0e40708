-- Every event as it came, one row per event id. A second record of the same content (a re-import, a redelivery)
-- replaces the first; the digest keeps two contents of one id apart, so that a conflict stays visible.
CREATE TABLE events
(
    dossier      String                 COMMENT 'Case the event belongs to: a dossier or a feedback',
    id           String                 COMMENT 'Event id, deterministic from the source',
    kind         LowCardinality(String) COMMENT 'What happened; see the JSON Schema of events',
    source       LowCardinality(String) COMMENT 'System that recorded it',
    occurred_at  DateTime64(6, 'UTC')   COMMENT 'When it happened',
    recorded_at  DateTime64(6, 'UTC')   COMMENT 'When the source said so; corrections come later',
    seq          UInt64                 COMMENT 'Order of the source among records of one recorded_at',
    payload      String                 COMMENT 'Fields of this kind, canonical JSON' CODEC(ZSTD(1)),
    published_at DateTime64(3, 'UTC')   COMMENT 'Timestamp of the Kafka record',
    partition    UInt16                 COMMENT 'Kafka partition of dossier-events',
    offset       UInt64                 COMMENT 'Kafka offset of the envelope',
    line         UInt16                 COMMENT 'Line of the event in the envelope, from 0',
    digest       UInt64                 MATERIALIZED cityHash64(kind, source, occurred_at, payload)
                                        COMMENT 'Content of the event without its recording',
    version      UInt128                MATERIALIZED bitShiftLeft(toUInt128(toUnixTimestamp64Micro(recorded_at)), 64) + seq
                                        COMMENT 'Order of recordings: the last one of a content is kept'
)
ENGINE = {replicated}ReplacingMergeTree(version)
PARTITION BY toYear(occurred_at)
ORDER BY (dossier, id, digest)
COMMENT 'Raw events, as read from dossier-events';

-- The newest record of each source. A maximum is the same however often a row is inserted.
CREATE TABLE sources
(
    source       LowCardinality(String)                              COMMENT 'System that records events',
    occurred_at  SimpleAggregateFunction(max, DateTime64(6, 'UTC'))  COMMENT 'Latest time at which something happened',
    published_at SimpleAggregateFunction(max, DateTime64(3, 'UTC'))  COMMENT 'Latest time at which it was published'
)
ENGINE = {replicated}AggregatingMergeTree
ORDER BY source
COMMENT 'How recent the events of each source are';

CREATE MATERIALIZED VIEW sources_of_events TO sources AS
SELECT source, max(events.occurred_at) AS occurred_at, max(events.published_at) AS published_at
FROM events
GROUP BY source;
