-- How far each partition has been counted.
CREATE TABLE progress
(
    topic        LowCardinality(String) COMMENT 'Kafka topic',
    partition    UInt16                 COMMENT 'Kafka partition of dossier-events',
    pos          UInt64                 COMMENT 'Position of the last event counted',
    offset       UInt64                 COMMENT 'Offset of the last record counted',
    published_at DateTime64(3, 'UTC')   COMMENT 'Timestamp of that record',
    written_at   DateTime64(3, 'UTC')   COMMENT 'When its counts were written'
)
ENGINE = {replicated}ReplacingMergeTree(pos)
ORDER BY (topic, partition)
COMMENT 'How far each partition is counted';

-- Lines that could not be counted. The same line again is the same row.
CREATE TABLE dead_letters
(
    topic        LowCardinality(String) COMMENT 'Kafka topic it was read from',
    partition    UInt16                 COMMENT 'Kafka partition',
    offset       UInt64                 COMMENT 'Kafka offset of the envelope',
    line         UInt16                 COMMENT 'Line in the envelope, from 0',
    reason       LowCardinality(String) COMMENT 'Why it is not counted',
    field        String                 COMMENT 'Field that is wrong, where one is',
    detail       String                 COMMENT 'What is wrong with it',
    content      String                 COMMENT 'The line itself',
    published_at DateTime64(3, 'UTC')   COMMENT 'Timestamp of the Kafka record'
)
ENGINE = {replicated}ReplacingMergeTree
ORDER BY (topic, partition, offset, line)
COMMENT 'Lines that are not counted, with the reason';

-- What the stored counts were counted from, and by which rules; workers refuse to run on any other.
CREATE TABLE deployment
(
    topic      LowCardinality(String) COMMENT 'Kafka topic',
    topic_id   String                 COMMENT 'Identity of the topic in its cluster',
    partitions UInt16                 COMMENT 'Partitions of the topic, frozen',
    epoch      UInt16                 COMMENT 'Raised when the topic or the rules change',
    rules      String                 COMMENT 'Rules of counting',
    changed_at DateTime64(3, 'UTC')   COMMENT 'When this became so'
)
ENGINE = {replicated}ReplacingMergeTree(changed_at)
ORDER BY topic
COMMENT 'Identity of this deployment';
