-- How each case stands by each rule of being on time, and the counts of it. Plain cases, whose term nothing moved, have no
-- steps: queries compare their end with their term. Rows of before have none either, until `dossier rebuild` counts anew.
ALTER TABLE facts
    ADD COLUMN IF NOT EXISTS term_computed    Nullable(DateTime64(6, 'UTC')) COMMENT 'Term that the procedure promises, where the source sent none',
    ADD COLUMN IF NOT EXISTS verdict_rule     Array(UInt8)                   COMMENT 'Rule of each step: 1 instant, 2 date, 3 Decision 766, 4 report form; no steps of a plain case',
    ADD COLUMN IF NOT EXISTS verdict_since    Array(DateTime64(6, 'UTC'))    COMMENT 'When each step begins',
    ADD COLUMN IF NOT EXISTS verdict_standing Array(UInt8)                   COMMENT 'How the case stands: 1 early, 2 on time, 3 late, 4 in term, 5 overdue',
    ADD COLUMN IF NOT EXISTS verdict_until    Array(DateTime64(6, 'UTC'))    COMMENT 'After this it is overdue although nothing happened; 2299-12-31 where time alone changes nothing';

ALTER TABLE windows
    ADD COLUMN IF NOT EXISTS resolved_on_time_by_instant Int64 COMMENT 'resolved dossiers within their term by the rule by instant, which stops move',
    ADD COLUMN IF NOT EXISTS resolved_on_time_by_date    Int64 COMMENT 'resolved dossiers within their term by the rule by date, which stops move',
    ADD COLUMN IF NOT EXISTS judged_by_766               Int64 COMMENT 'dossiers with an outcome, as Decision 766 judges them',
    ADD COLUMN IF NOT EXISTS on_time_by_766              Int64 COMMENT 'dossiers with an outcome that Decision 766 counts as on time',
    ADD COLUMN IF NOT EXISTS form_early                  Int64 COMMENT 'dossiers with an outcome that the report form counts as early',
    ADD COLUMN IF NOT EXISTS form_on_time                Int64 COMMENT 'dossiers with an outcome that the report form counts as on time, not early';

ALTER TABLE agency_past
    ADD COLUMN IF NOT EXISTS resolved_on_time_by_instant Int64 COMMENT 'resolved dossiers within their term by the rule by instant, which stops move',
    ADD COLUMN IF NOT EXISTS resolved_on_time_by_date    Int64 COMMENT 'resolved dossiers within their term by the rule by date, which stops move',
    ADD COLUMN IF NOT EXISTS judged_by_766               Int64 COMMENT 'dossiers with an outcome, as Decision 766 judges them',
    ADD COLUMN IF NOT EXISTS on_time_by_766              Int64 COMMENT 'dossiers with an outcome that Decision 766 counts as on time',
    ADD COLUMN IF NOT EXISTS form_early                  Int64 COMMENT 'dossiers with an outcome that the report form counts as early',
    ADD COLUMN IF NOT EXISTS form_on_time                Int64 COMMENT 'dossiers with an outcome that the report form counts as on time, not early';

ALTER TABLE agency_months
    ADD COLUMN IF NOT EXISTS resolved_on_time_by_instant Int64 COMMENT 'resolved dossiers within their term by the rule by instant, which stops move',
    ADD COLUMN IF NOT EXISTS resolved_on_time_by_date    Int64 COMMENT 'resolved dossiers within their term by the rule by date, which stops move',
    ADD COLUMN IF NOT EXISTS judged_by_766               Int64 COMMENT 'dossiers with an outcome, as Decision 766 judges them',
    ADD COLUMN IF NOT EXISTS on_time_by_766              Int64 COMMENT 'dossiers with an outcome that Decision 766 counts as on time',
    ADD COLUMN IF NOT EXISTS form_early                  Int64 COMMENT 'dossiers with an outcome that the report form counts as early',
    ADD COLUMN IF NOT EXISTS form_on_time                Int64 COMMENT 'dossiers with an outcome that the report form counts as on time, not early'
