-- What was said of late dossiers on dossier-alerts, row for row; the offset is where a watch goes on reading it.
CREATE TABLE IF NOT EXISTS dossier_alerts
(
    seq       UInt64                 COMMENT 'Number of the alert, without gaps',
    dossier   String                 COMMENT 'The dossier',
    state     LowCardinality(String) COMMENT 'raised or cleared',
    level     LowCardinality(String) COMMENT 'Such as due-24h or overdue-3d',
    why       LowCardinality(String) COMMENT 'Of cleared: the outcome, or voided, term, agency, gone or levels',
    agency    LowCardinality(String) COMMENT 'Agency responsible when it was raised',
    procedure LowCardinality(String) COMMENT 'Administrative procedure',
    term      DateTime64(6, 'UTC')   COMMENT 'Term that held when it was raised',
    at        DateTime64(6, 'UTC')   COMMENT 'When it was found',
    offset    UInt64                 COMMENT 'Offset on dossier-alerts'
)
ENGINE = {replicated}ReplacingMergeTree
ORDER BY (dossier, seq)
COMMENT 'History of alerts about late dossiers';
