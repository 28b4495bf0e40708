-- What an audit needs to hold rows against the very prefix of the log that they claim to be, and to see what was taken
-- out of all tables at once or passed over. Rows of before have no epoch, which is before every position, and no number.
ALTER TABLE events
    ADD COLUMN IF NOT EXISTS epoch UInt16 COMMENT 'Epoch in which it was counted; with offset and line its position';

ALTER TABLE facts
    ADD COLUMN IF NOT EXISTS number UInt32 COMMENT 'Number of the case in its partition, from 1 and without gaps; 0 where it was counted before there were any'
    AFTER partition;

ALTER TABLE progress
    ADD COLUMN IF NOT EXISTS records  UInt64 DEFAULT offset + 1 COMMENT 'Records that were counted so far',
    ADD COLUMN IF NOT EXISTS skipped  UInt64 COMMENT 'Offsets without one: markers of transactions, and accepted gaps',
    ADD COLUMN IF NOT EXISTS dossiers UInt32 COMMENT 'Greatest number of a case so far';

ALTER TABLE audits
    ADD COLUMN IF NOT EXISTS scope             LowCardinality(String) DEFAULT 'all' COMMENT 'all, or what moved since the audit before',
    ADD COLUMN IF NOT EXISTS other_differences UInt64 COMMENT 'Whatever else does not agree: progress, numbers of cases, the topic, alerts',
    ADD COLUMN IF NOT EXISTS unconfirmed       UInt64 COMMENT 'Rows past the progress of a worker that did not go on: neither sound nor different'
