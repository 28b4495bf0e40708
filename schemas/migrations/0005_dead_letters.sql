-- What was decided about dead letters. A topic that is made anew repeats its offsets, so the record's own time is part of
-- a letter's name: a decision never holds for a later letter in the same place, and still holds when lines are counted
-- again. It is a table apart because a worker may write a letter's row again at any time.
CREATE TABLE IF NOT EXISTS dead_letter_decisions
(
    topic        LowCardinality(String) COMMENT 'Kafka topic the letter was read from',
    partition    UInt16                 COMMENT 'Kafka partition',
    offset       UInt64                 COMMENT 'Kafka offset of the envelope',
    line         UInt16                 COMMENT 'Line in the envelope, from 0',
    published_at DateTime64(3, 'UTC')   COMMENT 'Timestamp of the Kafka record',
    state        LowCardinality(String) COMMENT 'replayed or discarded',
    why          String                 COMMENT 'The reason that was given',
    erased       Bool                   COMMENT 'Whether the content was erased from dead_letters',
    decided_at   DateTime64(3, 'UTC')   COMMENT 'When it was decided; the last decision holds'
)
ENGINE = {replicated}ReplacingMergeTree(decided_at)
ORDER BY (topic, partition, offset, line, published_at)
COMMENT 'What was decided about dead letters';

-- Where the flood rule stands: a worker that starts again must not begin to count dead letters anew.
ALTER TABLE progress
    ADD COLUMN IF NOT EXISTS window_lines UInt64 COMMENT 'Lines seen of the current window of the flood limit',
    ADD COLUMN IF NOT EXISTS window_dead  UInt64 COMMENT 'Of these, lines that could not be counted';
