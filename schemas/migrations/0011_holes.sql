-- A partition may end in offsets that hold nothing: markers of transactions, records of aborted ones. What is counted is
-- counted past them; the last record is still known, since by its timestamp a log that was cut off and has grown again is
-- told from the one that was counted.
ALTER TABLE progress
    ADD COLUMN IF NOT EXISTS record_offset Int64 DEFAULT offset COMMENT 'Offset of the last record counted, -1 before the first';

ALTER TABLE progress
    COMMENT COLUMN offset 'Last offset counted, be it of a record or of none',
    COMMENT COLUMN published_at 'Timestamp of the last record counted';
