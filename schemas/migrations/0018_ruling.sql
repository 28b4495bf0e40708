-- Calendars are a kind of reference data, and the loads that decide terms are pinned: the greatest pinned_at of an epoch holds.
-- No pin is the built-in calendar without any promise, by which everything before was counted.
CREATE TABLE IF NOT EXISTS calendar_rules
(
    load           UInt64                                     COMMENT 'Load that it belongs to',
    first          Date32                                     COMMENT 'First local day',
    last           Date32                                     COMMENT 'Last local day; 2299-12-31 where open',
    weekdays       Array(UInt8)                               COMMENT 'Weekdays of a schedule, 1 is Monday; none where the rule is about the days themselves',
    kind           LowCardinality(String)                     COMMENT 'off, worked or half',
    hours          Array(Tuple(opens UInt16, closes UInt16))  COMMENT 'Stretches of working time, in minutes after local midnight',
    agency         String                                     COMMENT 'Whom it is for, with everything below it; empty for everybody',
    applies_to     LowCardinality(String)                     COMMENT 'working time, reception or both',
    same_day_until UInt16                                     COMMENT 'Last minute at which a same-day procedure is received for the same day',
    name           String                                     COMMENT 'Occasion',
    source         String                                     COMMENT 'Decision that it comes from'
)
ENGINE = {replicated}MergeTree
ORDER BY (load, first, agency)
COMMENT 'Day rules of calendars, as declared; they win over the built-in ones';

CREATE TABLE IF NOT EXISTS ruling_loads
(
    topic      LowCardinality(String) COMMENT 'Topic that is counted',
    epoch      UInt16                 COMMENT 'Epoch whose counts it decides',
    pinned_at  DateTime64(6, 'UTC')   COMMENT 'Since when it holds; its local day is the one whose tree of agencies gives each its calendar',
    agencies   UInt64                 COMMENT 'Load of agencies; 0 for none',
    calendar   UInt64                 COMMENT 'Load of the calendar; 0 for the built-in one alone',
    procedures UInt64                 COMMENT 'Load of procedures; 0 for none'
)
ENGINE = {replicated}MergeTree
ORDER BY (topic, epoch, pinned_at)
COMMENT 'Loads of reference data by which terms and verdicts are counted: the greatest pinned_at of an epoch holds'
