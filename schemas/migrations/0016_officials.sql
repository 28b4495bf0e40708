-- Who worked on a dossier last, as an opaque code. Rows of before have none: their events could not name one.
ALTER TABLE facts
    ADD COLUMN IF NOT EXISTS official LowCardinality(String) COMMENT 'Official of the latest step: an opaque code, never a name'
    AFTER unit
