-- What sources told that cannot be right, or that hides something: flagged, and counted as ever.
CREATE TABLE IF NOT EXISTS data_quality
(
    day     Date                   COMMENT 'Local day of the reception, or of the message where the flag is about a later one',
    agency  LowCardinality(String) COMMENT 'Agency of the dossier',
    kind    LowCardinality(String) COMMENT 'What is wrong, such as finish_moved_back; docs/receiver.md has the list',
    dossier String                 COMMENT 'Dossier that it is about',
    source  LowCardinality(String) COMMENT 'System that told it',
    at      DateTime64(6, 'UTC')   COMMENT 'Instant whose local day it is'
)
ENGINE = {replicated}ReplacingMergeTree
ORDER BY (agency, day, kind, dossier)
COMMENT 'Distortions of what sources told, each once for a dossier and day'
