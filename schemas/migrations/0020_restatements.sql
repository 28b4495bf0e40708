-- What a change of rules, calendars or procedures for the past did to figures that had been shown.
CREATE TABLE IF NOT EXISTS restatements
(
    topic        LowCardinality(String) COMMENT 'Topic that is counted',
    epoch        UInt16                 COMMENT 'Epoch whose counts replaced the former ones',
    from_epoch   UInt16                 COMMENT 'Epoch whose counts had been shown',
    restated_at  DateTime64(3, 'UTC')   COMMENT 'When both were compared, just before the exchange',
    restated_by  String                 COMMENT 'Who rebuilt',
    why          String                 COMMENT 'Why',
    rules_before String                 COMMENT 'Rules of the former counts',
    rules_after  String                 COMMENT 'Rules of the new counts',
    loads_before String                 COMMENT 'Loads of agencies, calendar and procedures that had decided',
    loads_after  String                 COMMENT 'Loads that decide since'
)
ENGINE = {replicated}ReplacingMergeTree(restated_at)
ORDER BY (topic, epoch)
COMMENT 'Rebuilds that may have changed figures: who, when and why';

CREATE TABLE IF NOT EXISTS restated_figures
(
    topic  LowCardinality(String) COMMENT 'Topic that is counted',
    epoch  UInt16                 COMMENT 'Epoch whose counts replaced the former ones',
    agency LowCardinality(String) COMMENT 'Agency, by its code',
    month  Date                   COMMENT 'First local day of the month',
    rule   LowCardinality(String) COMMENT 'Rule of being on time; empty for a counter',
    figure LowCardinality(String) COMMENT 'Counter, or how dossiers stood at the end of the month by the rule',
    before Int64                  COMMENT 'What was shown',
    after  Int64                  COMMENT 'What is shown since'
)
ENGINE = {replicated}ReplacingMergeTree
PARTITION BY epoch
ORDER BY (topic, epoch, agency, month, rule, figure)
COMMENT 'Figures of months that a rebuild changed; a figure that is not here stayed as it was';

ALTER TABLE dossier_alerts
    MODIFY COLUMN term Nullable(DateTime64(6, 'UTC')) COMMENT 'Term that held when it was raised; NULL where a rule needs none';

ALTER TABLE dossier_alerts
    ADD COLUMN IF NOT EXISTS rule     LowCardinality(String)         COMMENT 'Rule that it was judged by, such as date v2; empty before rules were named',
    ADD COLUMN IF NOT EXISTS deadline Nullable(DateTime64(6, 'UTC')) COMMENT 'Last instant in time by the rule; NULL before rules were named'
