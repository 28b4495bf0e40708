-- What two records say that cannot both be so. Filled again and again by refresh_data_conflicts; nothing is counted by it.
CREATE TABLE IF NOT EXISTS data_conflicts
(
    kind    LowCardinality(String) COMMENT 'What cannot be, such as two_sources; docs/analyst.md has the list',
    dossier String                 COMMENT 'Case that it is about',
    agency  LowCardinality(String) COMMENT 'Agency responsible now',
    since   DateTime64(6, 'UTC')   COMMENT 'When what made it a conflict happened, by what the event says',
    detail  String                 COMMENT 'What stands against what: sources, agencies, channels, other dossiers, amounts'
)
ENGINE = {replicated}MergeTree
ORDER BY (kind, dossier)
COMMENT 'Records that contradict each other: flagged, counted as ever'
