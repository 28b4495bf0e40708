-- The identity of the counts becomes a history by epoch. A key cannot be changed in place, so the rows are set aside,
-- the table is made anew, and they are put back; every statement may be repeated.
CREATE TABLE IF NOT EXISTS deployment_aside
(
    topic      LowCardinality(String),
    topic_id   String,
    partitions UInt16,
    epoch      UInt16,
    rules      String,
    changed_at DateTime64(3, 'UTC')
)
ENGINE = {replicated}ReplacingMergeTree(changed_at)
ORDER BY (topic, epoch);

INSERT INTO deployment_aside (topic, topic_id, partitions, epoch, rules, changed_at)
SELECT topic, topic_id, partitions, epoch, rules, changed_at FROM deployment FINAL;

CREATE OR REPLACE TABLE deployment
(
    topic      LowCardinality(String) COMMENT 'Kafka topic',
    epoch      UInt16                 COMMENT 'Epoch of the positions of its counts; a rebuild counts in the one before',
    topic_id   String                 COMMENT 'Identity of the topic in its cluster',
    cluster    String                 COMMENT 'Identity of the Kafka cluster; empty where it was not written down yet',
    partitions UInt16                 COMMENT 'Partitions of the topic, frozen',
    rules      String                 COMMENT 'Rules of counting',
    state      LowCardinality(String) COMMENT 'serving, rebuilding or abandoned; the greatest epoch that is serving holds',
    source     String                 COMMENT 'What a rebuild counts: the topic, or the raw events with their digest',
    changed_at DateTime64(3, 'UTC')   COMMENT 'When this became so'
)
ENGINE = {replicated}ReplacingMergeTree(changed_at)
ORDER BY (topic, epoch)
COMMENT 'What the counts of each epoch were counted from, and by which rules';

INSERT INTO deployment (topic, epoch, topic_id, cluster, partitions, rules, state, source, changed_at)
SELECT topic, epoch, topic_id, '', partitions, rules, 'serving', '', changed_at FROM deployment_aside FINAL;

DROP TABLE deployment_aside;

-- Records that were gone from the broker before they were counted, and that somebody decided to count on without.
CREATE TABLE IF NOT EXISTS gaps
(
    topic       LowCardinality(String) COMMENT 'Kafka topic',
    partition   UInt16                 COMMENT 'Kafka partition',
    epoch       UInt16                 COMMENT 'Epoch of the counts',
    from_offset UInt64                 COMMENT 'Offset of the first record that is missing',
    to_offset   UInt64                 COMMENT 'Offset of the last record that is missing',
    why         String                 COMMENT 'Why they are missing, and who decided to count on',
    at          DateTime64(3, 'UTC')   COMMENT 'When that was decided'
)
ENGINE = {replicated}ReplacingMergeTree(at)
ORDER BY (topic, epoch, partition, from_offset)
COMMENT 'Records that were never counted, accepted by `dossier rewind --accept-gap`'
