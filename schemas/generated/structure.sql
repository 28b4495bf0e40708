-- What all migrations together make. Written by `python -m tests.structure`, never by hand.
CREATE TABLE agencies
(
    `load` UInt64 COMMENT 'Load that it belongs to',
    `code` String COMMENT 'Code of the agency',
    `valid_from` Date32 COMMENT 'First local day; 1900-01-01 where open',
    `valid_to` Date32 COMMENT 'Last local day; 2299-12-31 where open',
    `name_vi` String COMMENT 'Name in Vietnamese',
    `name_en` String COMMENT 'Name in English; empty where none is declared',
    `parent` String COMMENT 'Code or alias of the agency above; empty at a root',
    `level` LowCardinality(String) COMMENT 'ministry, province, department, district, commune, centre or branch',
    `group` LowCardinality(String) COMMENT 'Group in which it is compared',
    `aliases` Array(String) COMMENT 'Other codes that sources use for it',
    `successors` Array(String) COMMENT 'Codes or aliases that took over after its last version'
)
ENGINE = MergeTree
ORDER BY (load, code, valid_from)
SETTINGS index_granularity = 8192
COMMENT 'Versions of agencies, as declared';

CREATE TABLE agency_months
(
    `month` Date COMMENT 'First day of the local month; all of it lies before the end of agency_past',
    `agency` LowCardinality(String) COMMENT 'Agency that the dossiers belong to now',
    `received` Int64 COMMENT 'dossiers received',
    `received_online` Int64 COMMENT 'dossiers received online',
    `received_postal` Int64 COMMENT 'dossiers received by public post',
    `fee_bearing` Int64 COMMENT 'received dossiers that bear a fee',
    `fee_paid_online` Int64 COMMENT 'received fee-bearing dossiers with an online payment that was not given back whole',
    `resolved` Int64 COMMENT 'dossiers resolved with a result',
    `resolved_on_time` Int64 COMMENT 'resolved dossiers within their current term, or without one',
    `resolved_early` Int64 COMMENT 'resolved dossiers on a local day before that of their current term',
    `resolved_electronically` Int64 COMMENT 'resolved dossiers whose result is an electronic file',
    `returned` Int64 COMMENT 'results handed to the citizen',
    `withdrawn` Int64 COMMENT 'dossiers withdrawn by the citizen',
    `refused` Int64 COMMENT 'dossiers refused',
    `stopped` Int64 COMMENT 'dossiers stopped without a result',
    `extensions` Int64 COMMENT 'extensions of terms',
    `supplements` Int64 COMMENT 'requests for supplements',
    `payments` Int64 COMMENT 'payments confirmed',
    `payments_online` Int64 COMMENT 'payments confirmed online',
    `paid_amount` Int64 COMMENT 'sum of payments in whole units of the currency',
    `refunds` Int64 COMMENT 'payments given back, in whole or in part',
    `refunded_amount` Int64 COMMENT 'sum given back in whole units of the currency',
    `digitisations` Int64 COMMENT 'dossiers whose digitisation is known',
    `components` Int64 COMMENT 'components of those dossiers',
    `components_digitised` Int64 COMMENT 'digitised components',
    `components_reused` Int64 COMMENT 'components taken from data digitised before',
    `rated` Int64 COMMENT 'dossiers rated by the citizen',
    `satisfied` Int64 COMMENT 'rated dossiers whose citizen was satisfied',
    `feedback_received` Int64 COMMENT 'feedback cases received',
    `feedback_answered` Int64 COMMENT 'feedback cases answered',
    `feedback_on_time` Int64 COMMENT 'answered feedback cases within their current term, or without one',
    `feedback_rated` Int64 COMMENT 'feedback cases rated by the citizen',
    `feedback_satisfied` Int64 COMMENT 'rated feedback cases whose citizen was satisfied',
    `resolved_on_time_by_instant` Int64 COMMENT 'resolved dossiers within their term by the rule by instant, which stops move',
    `resolved_on_time_by_date` Int64 COMMENT 'resolved dossiers within their term by the rule by date, which stops move',
    `judged_by_766` Int64 COMMENT 'dossiers with an outcome, as Decision 766 judges them',
    `on_time_by_766` Int64 COMMENT 'dossiers with an outcome that Decision 766 counts as on time',
    `form_early` Int64 COMMENT 'dossiers with an outcome that the report form counts as early',
    `form_on_time` Int64 COMMENT 'dossiers with an outcome that the report form counts as on time, not early'
)
ENGINE = MergeTree
ORDER BY (month, agency)
SETTINGS index_granularity = 8192
COMMENT 'Counts of agencies by whole local month, from agency_past';

CREATE TABLE agency_past
(
    `until` DateTime('UTC') COMMENT 'Windows from then on are not in it',
    `agency` LowCardinality(String) COMMENT 'Agency that the dossiers belong to now',
    `day` Date COMMENT 'Local day',
    `received` Int64 COMMENT 'dossiers received',
    `received_online` Int64 COMMENT 'dossiers received online',
    `received_postal` Int64 COMMENT 'dossiers received by public post',
    `fee_bearing` Int64 COMMENT 'received dossiers that bear a fee',
    `fee_paid_online` Int64 COMMENT 'received fee-bearing dossiers with an online payment that was not given back whole',
    `resolved` Int64 COMMENT 'dossiers resolved with a result',
    `resolved_on_time` Int64 COMMENT 'resolved dossiers within their current term, or without one',
    `resolved_early` Int64 COMMENT 'resolved dossiers on a local day before that of their current term',
    `resolved_electronically` Int64 COMMENT 'resolved dossiers whose result is an electronic file',
    `returned` Int64 COMMENT 'results handed to the citizen',
    `withdrawn` Int64 COMMENT 'dossiers withdrawn by the citizen',
    `refused` Int64 COMMENT 'dossiers refused',
    `stopped` Int64 COMMENT 'dossiers stopped without a result',
    `extensions` Int64 COMMENT 'extensions of terms',
    `supplements` Int64 COMMENT 'requests for supplements',
    `payments` Int64 COMMENT 'payments confirmed',
    `payments_online` Int64 COMMENT 'payments confirmed online',
    `paid_amount` Int64 COMMENT 'sum of payments in whole units of the currency',
    `refunds` Int64 COMMENT 'payments given back, in whole or in part',
    `refunded_amount` Int64 COMMENT 'sum given back in whole units of the currency',
    `digitisations` Int64 COMMENT 'dossiers whose digitisation is known',
    `components` Int64 COMMENT 'components of those dossiers',
    `components_digitised` Int64 COMMENT 'digitised components',
    `components_reused` Int64 COMMENT 'components taken from data digitised before',
    `rated` Int64 COMMENT 'dossiers rated by the citizen',
    `satisfied` Int64 COMMENT 'rated dossiers whose citizen was satisfied',
    `feedback_received` Int64 COMMENT 'feedback cases received',
    `feedback_answered` Int64 COMMENT 'feedback cases answered',
    `feedback_on_time` Int64 COMMENT 'answered feedback cases within their current term, or without one',
    `feedback_rated` Int64 COMMENT 'feedback cases rated by the citizen',
    `feedback_satisfied` Int64 COMMENT 'rated feedback cases whose citizen was satisfied',
    `resolved_on_time_by_instant` Int64 COMMENT 'resolved dossiers within their term by the rule by instant, which stops move',
    `resolved_on_time_by_date` Int64 COMMENT 'resolved dossiers within their term by the rule by date, which stops move',
    `judged_by_766` Int64 COMMENT 'dossiers with an outcome, as Decision 766 judges them',
    `on_time_by_766` Int64 COMMENT 'dossiers with an outcome that Decision 766 counts as on time',
    `form_early` Int64 COMMENT 'dossiers with an outcome that the report form counts as early',
    `form_on_time` Int64 COMMENT 'dossiers with an outcome that the report form counts as on time, not early'
)
ENGINE = MergeTree
ORDER BY (day, agency)
SETTINGS index_granularity = 8192
COMMENT 'Counts of agencies by local day, up to a week ago';

CREATE TABLE agency_placements
(
    `load` UInt64 COMMENT 'Load that it belongs to',
    `agency` String COMMENT 'Code or alias of an agency',
    `valid_from` Date COMMENT 'First local day of the interval',
    `valid_to` Date COMMENT 'Last local day of the interval',
    `path` Array(String) COMMENT 'Codes from the root down to the node that its figures belong to'
)
ENGINE = MergeTree
ORDER BY (load, agency, valid_from)
SETTINGS index_granularity = 8192
COMMENT 'Places of agencies in the tree, derived from their versions: intervals that cover all days';

CREATE TABLE audits
(
    `at` DateTime64(3, 'UTC') COMMENT 'When it ended',
    `seconds` Float64 COMMENT 'How long it took',
    `dossiers` UInt64 COMMENT 'Cases recomputed',
    `windows` UInt64 COMMENT 'Windows recomputed',
    `events` UInt64 COMMENT 'Events they were recomputed from',
    `facts_differences` UInt64 COMMENT 'Columns of facts that were not what the events say',
    `window_differences` UInt64 COMMENT 'Counters that were not what the facts add up to',
    `conflicts` UInt64 COMMENT 'Event ids with several contents',
    `scope` LowCardinality(String) DEFAULT 'all' COMMENT 'all, or what moved since the audit before',
    `other_differences` UInt64 COMMENT 'Whatever else does not agree: progress, numbers of cases, the topic, alerts',
    `unconfirmed` UInt64 COMMENT 'Rows past the progress of a worker that did not go on: neither sound nor different'
)
ENGINE = MergeTree
ORDER BY at
SETTINGS index_granularity = 8192
COMMENT 'What each audit found';

CREATE TABLE calendar_rules
(
    `load` UInt64 COMMENT 'Load that it belongs to',
    `first` Date32 COMMENT 'First local day',
    `last` Date32 COMMENT 'Last local day; 2299-12-31 where open',
    `weekdays` Array(UInt8) COMMENT 'Weekdays of a schedule, 1 is Monday; none where the rule is about the days themselves',
    `kind` LowCardinality(String) COMMENT 'off, worked or half',
    `hours` Array(Tuple(
        opens UInt16,
        closes UInt16)) COMMENT 'Stretches of working time, in minutes after local midnight',
    `agency` String COMMENT 'Whom it is for, with everything below it; empty for everybody',
    `applies_to` LowCardinality(String) COMMENT 'working time, reception or both',
    `same_day_until` UInt16 COMMENT 'Last minute at which a same-day procedure is received for the same day',
    `name` String COMMENT 'Occasion',
    `source` String COMMENT 'Decision that it comes from'
)
ENGINE = MergeTree
ORDER BY (load, first, agency)
SETTINGS index_granularity = 8192
COMMENT 'Day rules of calendars, as declared; they win over the built-in ones';

CREATE TABLE city_past
(
    `until` DateTime('UTC') COMMENT 'Start of the day of the refresh: later windows are not in it',
    `is_day` Bool COMMENT 'Whether it is of a whole day, or else of five minutes',
    `start` DateTime('UTC') COMMENT 'Start of the local day, or of the five minutes',
    `received` Int64 COMMENT 'dossiers received',
    `received_online` Int64 COMMENT 'dossiers received online',
    `fee_bearing` Int64 COMMENT 'received dossiers that bear a fee',
    `fee_paid_online` Int64 COMMENT 'received fee-bearing dossiers with an online payment that was not given back whole',
    `resolved` Int64 COMMENT 'dossiers resolved with a result',
    `resolved_on_time` Int64 COMMENT 'resolved dossiers within their current term, or without one',
    `ended` Int64 COMMENT 'dossiers with any outcome',
    `components` Int64 COMMENT 'components of dossiers whose digitisation is known',
    `components_digitised` Int64 COMMENT 'digitised components',
    `rated` Int64 COMMENT 'dossiers rated by the citizen',
    `satisfied` Int64 COMMENT 'rated dossiers whose citizen was satisfied',
    `feedback_answered` Int64 COMMENT 'feedback cases answered',
    `feedback_on_time` Int64 COMMENT 'answered feedback cases within their current term, or without one',
    `on_time` Int64 COMMENT 'dossiers that ended in time by the leading rule',
    `judged` Int64 COMMENT 'dossiers that ended and are judged by the leading rule'
)
ENGINE = MergeTree
ORDER BY (is_day, start)
SETTINGS index_granularity = 8192
COMMENT 'Counts of the whole city up to yesterday: by local day, and by five minutes of the days on which figures are compared';

CREATE TABLE city_waiting
(
    `kind` LowCardinality(String) COMMENT 'now, or what was open a day, month or year before the refresh',
    `agency` LowCardinality(String) COMMENT 'Agency responsible now',
    `receiver` LowCardinality(String) COMMENT 'Office that took them in',
    `due_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'Of now: the last instant in time by the leading rule; of refreshed: when',
    `dossiers` UInt64 COMMENT 'Open dossiers',
    `overdue` UInt64 COMMENT 'Of what was open before: those that were overdue then'
)
ENGINE = MergeTree
ORDER BY kind
SETTINGS index_granularity = 8192
COMMENT 'Open dossiers of the whole city by deadline, and how many there were before';

CREATE TABLE data_conflicts
(
    `kind` LowCardinality(String) COMMENT 'What cannot be, such as two_sources; docs/analyst.md has the list',
    `dossier` String COMMENT 'Case that it is about',
    `agency` LowCardinality(String) COMMENT 'Agency responsible now',
    `since` DateTime64(6, 'UTC') COMMENT 'When what made it a conflict happened, by what the event says',
    `detail` String COMMENT 'What stands against what: sources, agencies, channels, other dossiers, amounts'
)
ENGINE = MergeTree
ORDER BY (kind, dossier)
SETTINGS index_granularity = 8192
COMMENT 'Records that contradict each other: flagged, counted as ever';

CREATE TABLE data_quality
(
    `day` Date COMMENT 'Local day of the reception, or of the message where the flag is about a later one',
    `agency` LowCardinality(String) COMMENT 'Agency of the dossier',
    `kind` LowCardinality(String) COMMENT 'What is wrong, such as finish_moved_back; docs/receiver.md has the list',
    `dossier` String COMMENT 'Dossier that it is about',
    `source` LowCardinality(String) COMMENT 'System that told it',
    `at` DateTime64(6, 'UTC') COMMENT 'Instant whose local day it is'
)
ENGINE = ReplacingMergeTree
ORDER BY (agency, day, kind, dossier)
SETTINGS index_granularity = 8192
COMMENT 'Distortions of what sources told, each once for a dossier and day';

CREATE TABLE dead_letter_decisions
(
    `topic` LowCardinality(String) COMMENT 'Kafka topic the letter was read from',
    `partition` UInt16 COMMENT 'Kafka partition',
    `offset` UInt64 COMMENT 'Kafka offset of the envelope',
    `line` UInt16 COMMENT 'Line in the envelope, from 0',
    `published_at` DateTime64(3, 'UTC') COMMENT 'Timestamp of the Kafka record',
    `state` LowCardinality(String) COMMENT 'replayed or discarded',
    `why` String COMMENT 'The reason that was given',
    `erased` Bool COMMENT 'Whether the content was erased from dead_letters',
    `decided_at` DateTime64(3, 'UTC') COMMENT 'When it was decided; the last decision holds'
)
ENGINE = ReplacingMergeTree(decided_at)
ORDER BY (topic, partition, offset, line, published_at)
SETTINGS index_granularity = 8192
COMMENT 'What was decided about dead letters';

CREATE TABLE dead_letters
(
    `topic` LowCardinality(String) COMMENT 'Kafka topic it was read from',
    `partition` UInt16 COMMENT 'Kafka partition',
    `offset` UInt64 COMMENT 'Kafka offset of the envelope',
    `line` UInt16 COMMENT 'Line in the envelope, from 0',
    `reason` LowCardinality(String) COMMENT 'Why it is not counted',
    `field` String COMMENT 'Field that is wrong, where one is',
    `detail` String COMMENT 'What is wrong with it',
    `content` String COMMENT 'The line itself',
    `published_at` DateTime64(3, 'UTC') COMMENT 'Timestamp of the Kafka record'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset, line)
SETTINGS index_granularity = 8192
COMMENT 'Lines that are not counted, with the reason';

CREATE TABLE deployment
(
    `topic` LowCardinality(String) COMMENT 'Kafka topic',
    `epoch` UInt16 COMMENT 'Epoch of the positions of its counts; a rebuild counts in the one before',
    `topic_id` String COMMENT 'Identity of the topic in its cluster',
    `cluster` String COMMENT 'Identity of the Kafka cluster; empty where it was not written down yet',
    `partitions` UInt16 COMMENT 'Partitions of the topic, frozen',
    `rules` String COMMENT 'Rules of counting',
    `state` LowCardinality(String) COMMENT 'serving, rebuilding or abandoned; the greatest epoch that is serving holds',
    `source` String COMMENT 'What a rebuild counts: the topic, or the raw events with their digest',
    `changed_at` DateTime64(3, 'UTC') COMMENT 'When this became so'
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY (topic, epoch)
SETTINGS index_granularity = 8192
COMMENT 'What the counts of each epoch were counted from, and by which rules';

CREATE TABLE dossier_alerts
(
    `seq` UInt64 COMMENT 'Number of the alert, without gaps',
    `dossier` String COMMENT 'The dossier',
    `state` LowCardinality(String) COMMENT 'raised or cleared',
    `level` LowCardinality(String) COMMENT 'Such as due-24h or overdue-3d',
    `why` LowCardinality(String) COMMENT 'Of cleared: the outcome, or voided, term, agency, gone or levels',
    `agency` LowCardinality(String) COMMENT 'Agency responsible when it was raised',
    `procedure` LowCardinality(String) COMMENT 'Administrative procedure',
    `term` Nullable(DateTime64(6, 'UTC')) COMMENT 'Term that held when it was raised; NULL where a rule needs none',
    `at` DateTime64(6, 'UTC') COMMENT 'When it was found',
    `offset` UInt64 COMMENT 'Offset on dossier-alerts',
    `rule` LowCardinality(String) COMMENT 'Rule that it was judged by, such as date v2; empty before rules were named',
    `deadline` Nullable(DateTime64(6, 'UTC')) COMMENT 'Last instant in time by the rule; NULL before rules were named'
)
ENGINE = ReplacingMergeTree
ORDER BY (dossier, seq)
SETTINGS index_granularity = 8192
COMMENT 'History of alerts about late dossiers';

CREATE TABLE events
(
    `dossier` String COMMENT 'Case the event belongs to: a dossier or a feedback',
    `id` String COMMENT 'Event id, deterministic from the source',
    `kind` LowCardinality(String) COMMENT 'What happened; see the JSON Schema of events',
    `source` LowCardinality(String) COMMENT 'System that recorded it',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it happened',
    `recorded_at` DateTime64(6, 'UTC') COMMENT 'When the source said so; corrections come later',
    `seq` UInt64 COMMENT 'Order of the source among records of one recorded_at',
    `payload` String COMMENT 'Fields of this kind, canonical JSON' CODEC(ZSTD(1)),
    `published_at` DateTime64(3, 'UTC') COMMENT 'Timestamp of the Kafka record',
    `partition` UInt16 COMMENT 'Kafka partition of dossier-events',
    `offset` UInt64 COMMENT 'Kafka offset of the envelope',
    `line` UInt16 COMMENT 'Line of the event in the envelope, from 0',
    `digest` UInt64 MATERIALIZED cityHash64(kind, source, occurred_at, payload) COMMENT 'Content of the event without its recording',
    `version` UInt128 MATERIALIZED bitShiftLeft(toUInt128(toUnixTimestamp64Micro(recorded_at)), 64) + seq COMMENT 'Order of recordings: the last one of a content is kept',
    `epoch` UInt16 COMMENT 'Epoch in which it was counted; with offset and line its position'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(occurred_at)
ORDER BY (dossier, id, digest)
SETTINGS index_granularity = 8192, merge_selector_base = 15, min_bytes_for_wide_part = 67108864
COMMENT 'Raw events, as read from dossier-events';

CREATE TABLE facts
(
    `dossier` String COMMENT 'Case: a dossier or a feedback',
    `pos` UInt64 COMMENT 'Position of the last event in it: epoch, offset and line, packed',
    `partition` UInt16 COMMENT 'Kafka partition of dossier-events',
    `number` UInt32 COMMENT 'Number of the case in its partition, from 1 and without gaps; 0 where it was counted before there were any',
    `registers` String COMMENT 'What the events said, packed; facts are a function of it',
    `case_kind` LowCardinality(String) COMMENT 'dossier or feedback; empty while no reception is known',
    `voided` Bool COMMENT 'Entered by mistake: counts nowhere',
    `agency` LowCardinality(String) COMMENT 'Agency responsible now',
    `receiver` LowCardinality(String) COMMENT 'Office that took it in, where it is not the agency',
    `channel` LowCardinality(String) COMMENT 'How it was filed: direct, online or postal',
    `procedure` LowCardinality(String) COMMENT 'Administrative procedure',
    `fee_bearing` Bool COMMENT 'Whether the procedure bears a fee',
    `received_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'Reception',
    `term_original` Nullable(DateTime64(6, 'UTC')) COMMENT 'Term as first set',
    `term` Nullable(DateTime64(6, 'UTC')) COMMENT 'Term that holds now, extensions included',
    `extended_at` Array(DateTime64(6, 'UTC')) COMMENT 'Times of the extensions, in their order',
    `apologies` UInt16 COMMENT 'Extensions that came with an apology',
    `step` LowCardinality(String) COMMENT 'Latest step of processing',
    `unit` LowCardinality(String) COMMENT 'Unit of the latest step',
    `official` LowCardinality(String) COMMENT 'Official of the latest step: an opaque code, never a name',
    `step_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'Time of the latest step',
    `supplement_requested_at` Array(DateTime64(6, 'UTC')) COMMENT 'Times of the requests for supplements, in their order',
    `suspension` LowCardinality(String) COMMENT 'What the dossier waits for: supplement, obligation, pause, or empty',
    `suspended_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'Since when it waits',
    `outcome` LowCardinality(String) COMMENT 'resolved, withdrawn, refused, stopped, answered, or empty while open',
    `outcome_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'Time of the outcome',
    `on_time` Nullable(Bool) COMMENT 'Outcome within the term, by the rule of the deployment; NULL without an outcome',
    `electronic_result` Bool COMMENT 'Whether the result is an electronic file',
    `returned_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the result was handed over',
    `payment_at` Array(DateTime64(6, 'UTC')) COMMENT 'Times of the payments',
    `payment_amount` Array(Int64) COMMENT 'Amounts of the payments',
    `payment_online` Array(Bool) COMMENT 'Whether each payment was online',
    `payment_refunded` Array(Int64) COMMENT 'What was given back of each payment',
    `refund_at` Array(DateTime64(6, 'UTC')) COMMENT 'Times of the refunds',
    `refund_amount` Array(Int64) COMMENT 'Amounts of the refunds',
    `digitised_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When digitisation was recorded',
    `components` UInt16 COMMENT 'Components of the dossier',
    `components_digitised` UInt16 COMMENT 'Digitised components',
    `components_reused` UInt16 COMMENT 'Components re-used from earlier data',
    `rated_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the citizen rated it',
    `satisfied` Bool COMMENT 'Whether the citizen was satisfied',
    `score` UInt8 COMMENT 'Score given, 0 without one',
    `term_computed` Nullable(DateTime64(6, 'UTC')) COMMENT 'Term that the procedure promises, where the source sent none',
    `verdict_rule` Array(UInt8) COMMENT 'Rule of each step: 1 instant, 2 date, 3 Decision 766, 4 report form; no steps of a plain case',
    `verdict_since` Array(DateTime64(6, 'UTC')) COMMENT 'When each step begins',
    `verdict_standing` Array(UInt8) COMMENT 'How the case stands: 1 early, 2 on time, 3 late, 4 in term, 5 overdue',
    `verdict_until` Array(DateTime64(6, 'UTC')) COMMENT 'After this it is overdue although nothing happened; 2299-12-31 where time alone changes nothing'
)
ENGINE = ReplacingMergeTree(pos)
ORDER BY dossier
SETTINGS index_granularity = 8192, merge_selector_base = 15, min_bytes_for_wide_part = 67108864
COMMENT 'Facts: each case as of its latest records';

CREATE TABLE gaps
(
    `topic` LowCardinality(String) COMMENT 'Kafka topic',
    `partition` UInt16 COMMENT 'Kafka partition',
    `epoch` UInt16 COMMENT 'Epoch of the counts',
    `from_offset` UInt64 COMMENT 'Offset of the first record that is missing',
    `to_offset` UInt64 COMMENT 'Offset of the last record that is missing',
    `why` String COMMENT 'Why they are missing, and who decided to count on',
    `at` DateTime64(3, 'UTC') COMMENT 'When that was decided'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (topic, epoch, partition, from_offset)
SETTINGS index_granularity = 8192
COMMENT 'Records that were never counted, accepted by `dossier rewind --accept-gap`';

CREATE TABLE migrations
(
    `name` String COMMENT 'Migration or view',
    `checksum` String COMMENT 'SHA-256 of the SQL that was applied',
    `applied_at` DateTime64(3, 'UTC') COMMENT 'When it was applied'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
SETTINGS index_granularity = 8192
COMMENT 'What has been applied to this database';

CREATE TABLE official_names
(
    `load` UInt64 COMMENT 'Load that it belongs to',
    `code` String COMMENT 'Opaque code of the official',
    `name` String COMMENT 'Name; personal data'
)
ENGINE = MergeTree
ORDER BY (load, code)
SETTINGS index_granularity = 8192
COMMENT 'Names of officials of the current load: the reader of dashboards may not read them';

CREATE TABLE officials
(
    `load` UInt64 COMMENT 'Load that it belongs to',
    `code` String COMMENT 'Opaque code of the official',
    `unit` String COMMENT 'Unit that the official belongs to'
)
ENGINE = MergeTree
ORDER BY (load, code)
SETTINGS index_granularity = 8192
COMMENT 'Officials: a code and a unit, without names';

CREATE TABLE procedures
(
    `load` UInt64 COMMENT 'Load that it belongs to',
    `code` String COMMENT 'Code of the procedure',
    `channel` LowCardinality(String) COMMENT 'Channel of reception that it is for; empty for all',
    `valid_from` Date32 COMMENT 'First local day; 1900-01-01 where open',
    `valid_to` Date32 COMMENT 'Last local day; 2299-12-31 where open',
    `name_vi` String COMMENT 'Name in Vietnamese',
    `name_en` String COMMENT 'Name in English; empty where none is declared',
    `field` LowCardinality(String) COMMENT 'Field of administration',
    `levels` Array(LowCardinality(String)) COMMENT 'Levels of the agencies that carry it out',
    `service_level` LowCardinality(String) COMMENT 'full, partial or information; 4 and 3 are older words for full and partial',
    `term` Nullable(UInt16) COMMENT 'Term, in its unit; NULL where there is none',
    `unit` LowCardinality(String) COMMENT 'working hours, working days, days or months',
    `fees` Array(Tuple(
        name String,
        amount Int64,
        valid_from Date32,
        valid_to Date32)) COMMENT 'Fee lines in đồng with the days on which they hold; none where it is free of charge',
    `electronic_result` Bool COMMENT 'Whether an electronic result is required',
    `components_reusable` Array(String) COMMENT 'Components that can be re-used'
)
ENGINE = MergeTree
ORDER BY (load, code, channel, valid_from)
SETTINGS index_granularity = 8192
COMMENT 'Versions of administrative procedures, as declared';

CREATE TABLE progress
(
    `topic` LowCardinality(String) COMMENT 'Kafka topic',
    `partition` UInt16 COMMENT 'Kafka partition of dossier-events',
    `pos` UInt64 COMMENT 'Position of the last event counted',
    `offset` UInt64 COMMENT 'Last offset counted, be it of a record or of none',
    `published_at` DateTime64(3, 'UTC') COMMENT 'Timestamp of the last record counted',
    `written_at` DateTime64(3, 'UTC') COMMENT 'When its counts were written',
    `window_lines` UInt64 COMMENT 'Lines seen of the current window of the flood limit',
    `window_dead` UInt64 COMMENT 'Of these, lines that could not be counted',
    `record_offset` Int64 DEFAULT offset COMMENT 'Offset of the last record counted, -1 before the first',
    `records` UInt64 DEFAULT offset + 1 COMMENT 'Records that were counted so far',
    `skipped` UInt64 COMMENT 'Offsets without one: markers of transactions, and accepted gaps',
    `dossiers` UInt32 COMMENT 'Greatest number of a case so far'
)
ENGINE = ReplacingMergeTree(pos)
ORDER BY (topic, partition)
SETTINGS index_granularity = 8192
COMMENT 'How far each partition is counted';

CREATE TABLE pulse
(
    `at` DateTime64(3, 'UTC') COMMENT 'When it was written',
    `worker` LowCardinality(String) COMMENT 'Name of the worker',
    `partitions` UInt16 COMMENT 'Partitions it owned',
    `lag_records` UInt64 COMMENT 'Kafka records of these that were not counted yet',
    `lag_events` UInt64 COMMENT 'Events in them, estimated',
    `lag_seconds` Float64 COMMENT 'Age of the oldest of them, 0 when none waited',
    `events` UInt64 COMMENT 'Events counted since the row before',
    `dead` UInt64 COMMENT 'Lines put aside since the row before',
    `freshness_p50` Nullable(Float64) COMMENT 'Seconds from a record\'s timestamp until it was counted, median since the row before',
    `freshness_p99` Nullable(Float64) COMMENT 'The same, 99 of 100 records',
    `insert_p50` Nullable(Float64) COMMENT 'Seconds of an insert, median since the row before',
    `insert_p99` Nullable(Float64) COMMENT 'The same, 99 of 100 inserts'
)
ENGINE = MergeTree
ORDER BY at
TTL toDateTime(at) + toIntervalDay(90)
SETTINGS index_granularity = 8192
COMMENT 'How each worker does';

CREATE TABLE receiver_days
(
    `receiver` LowCardinality(String) COMMENT 'Office that took the dossiers in',
    `day` Date COMMENT 'Local day of reception',
    `received` Int64 COMMENT 'dossiers received',
    `received_online` Int64 COMMENT 'dossiers received online',
    `received_postal` Int64 COMMENT 'dossiers received by public post'
)
ENGINE = MergeTree
ORDER BY (day, receiver)
SETTINGS index_granularity = 8192
COMMENT 'Receptions of receiving offices by local day';

CREATE TABLE reference_loads
(
    `kind` LowCardinality(String) COMMENT 'agencies, procedures or officials',
    `load` UInt64 COMMENT 'Number of the load: microseconds since 1970, greater than those before',
    `loaded_at` DateTime64(3, 'UTC') COMMENT 'When its rows were complete',
    `loaded_by` String COMMENT 'Who loaded it',
    `digest` String COMMENT 'SHA-256 of its content, whatever the order of rows and the form of the files',
    `files` Array(String) COMMENT 'Names of the files; none of a restored load',
    `rows` UInt64 COMMENT 'How many rows it has',
    `changes` String COMMENT 'What it changed, in words',
    `restored_from` UInt64 COMMENT 'The earlier load that it restored; 0 of files'
)
ENGINE = MergeTree
ORDER BY (kind, load)
SETTINGS index_granularity = 8192
COMMENT 'Loads of reference data: the greatest load of a kind is the current one';

CREATE TABLE restated_figures
(
    `topic` LowCardinality(String) COMMENT 'Topic that is counted',
    `epoch` UInt16 COMMENT 'Epoch whose counts replaced the former ones',
    `agency` LowCardinality(String) COMMENT 'Agency, by its code',
    `month` Date COMMENT 'First local day of the month',
    `rule` LowCardinality(String) COMMENT 'Rule of being on time; empty for a counter',
    `figure` LowCardinality(String) COMMENT 'Counter, or how dossiers stood at the end of the month by the rule',
    `before` Int64 COMMENT 'What was shown',
    `after` Int64 COMMENT 'What is shown since'
)
ENGINE = ReplacingMergeTree
PARTITION BY epoch
ORDER BY (topic, epoch, agency, month, rule, figure)
SETTINGS index_granularity = 8192
COMMENT 'Figures of months that a rebuild changed; a figure that is not here stayed as it was';

CREATE TABLE restatements
(
    `topic` LowCardinality(String) COMMENT 'Topic that is counted',
    `epoch` UInt16 COMMENT 'Epoch whose counts replaced the former ones',
    `from_epoch` UInt16 COMMENT 'Epoch whose counts had been shown',
    `restated_at` DateTime64(3, 'UTC') COMMENT 'When both were compared, just before the exchange',
    `restated_by` String COMMENT 'Who rebuilt',
    `why` String COMMENT 'Why',
    `rules_before` String COMMENT 'Rules of the former counts',
    `rules_after` String COMMENT 'Rules of the new counts',
    `loads_before` String COMMENT 'Loads of agencies, calendar and procedures that had decided',
    `loads_after` String COMMENT 'Loads that decide since'
)
ENGINE = ReplacingMergeTree(restated_at)
ORDER BY (topic, epoch)
SETTINGS index_granularity = 8192
COMMENT 'Rebuilds that may have changed figures: who, when and why';

CREATE TABLE ruling_loads
(
    `topic` LowCardinality(String) COMMENT 'Topic that is counted',
    `epoch` UInt16 COMMENT 'Epoch whose counts it decides',
    `pinned_at` DateTime64(6, 'UTC') COMMENT 'Since when it holds; its local day is the one whose tree of agencies gives each its calendar',
    `agencies` UInt64 COMMENT 'Load of agencies; 0 for none',
    `calendar` UInt64 COMMENT 'Load of the calendar; 0 for the built-in one alone',
    `procedures` UInt64 COMMENT 'Load of procedures; 0 for none'
)
ENGINE = MergeTree
ORDER BY (topic, epoch, pinned_at)
SETTINGS index_granularity = 8192
COMMENT 'Loads of reference data by which terms and verdicts are counted: the greatest pinned_at of an epoch holds';

CREATE TABLE sources
(
    `source` LowCardinality(String) COMMENT 'System that records events',
    `occurred_at` SimpleAggregateFunction(max, DateTime64(6, 'UTC')) COMMENT 'Latest time at which something happened',
    `published_at` SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Latest time at which it was published'
)
ENGINE = AggregatingMergeTree
ORDER BY source
SETTINGS index_granularity = 8192
COMMENT 'How recent the events of each source are';

CREATE TABLE windows
(
    `agency` LowCardinality(String) COMMENT 'Agency that the dossiers belong to now',
    `window` DateTime('UTC') COMMENT 'Start of the five minutes of event time',
    `partition` UInt16 COMMENT 'Kafka partition of dossier-events',
    `pos` UInt64 COMMENT 'Position of the last event in it',
    `received` Int64 COMMENT 'dossiers received',
    `received_online` Int64 COMMENT 'dossiers received online',
    `received_postal` Int64 COMMENT 'dossiers received by public post',
    `fee_bearing` Int64 COMMENT 'received dossiers that bear a fee',
    `fee_paid_online` Int64 COMMENT 'received fee-bearing dossiers with an online payment that was not given back whole',
    `resolved` Int64 COMMENT 'dossiers resolved with a result',
    `resolved_on_time` Int64 COMMENT 'resolved dossiers within their current term, or without one',
    `resolved_early` Int64 COMMENT 'resolved dossiers on a local day before that of their current term',
    `resolved_electronically` Int64 COMMENT 'resolved dossiers whose result is an electronic file',
    `returned` Int64 COMMENT 'results handed to the citizen',
    `withdrawn` Int64 COMMENT 'dossiers withdrawn by the citizen',
    `refused` Int64 COMMENT 'dossiers refused',
    `stopped` Int64 COMMENT 'dossiers stopped without a result',
    `extensions` Int64 COMMENT 'extensions of terms',
    `supplements` Int64 COMMENT 'requests for supplements',
    `payments` Int64 COMMENT 'payments confirmed',
    `payments_online` Int64 COMMENT 'payments confirmed online',
    `paid_amount` Int64 COMMENT 'sum of payments in whole units of the currency',
    `refunds` Int64 COMMENT 'payments given back, in whole or in part',
    `refunded_amount` Int64 COMMENT 'sum given back in whole units of the currency',
    `digitisations` Int64 COMMENT 'dossiers whose digitisation is known',
    `components` Int64 COMMENT 'components of those dossiers',
    `components_digitised` Int64 COMMENT 'digitised components',
    `components_reused` Int64 COMMENT 'components taken from data digitised before',
    `rated` Int64 COMMENT 'dossiers rated by the citizen',
    `satisfied` Int64 COMMENT 'rated dossiers whose citizen was satisfied',
    `feedback_received` Int64 COMMENT 'feedback cases received',
    `feedback_answered` Int64 COMMENT 'feedback cases answered',
    `feedback_on_time` Int64 COMMENT 'answered feedback cases within their current term, or without one',
    `feedback_rated` Int64 COMMENT 'feedback cases rated by the citizen',
    `feedback_satisfied` Int64 COMMENT 'rated feedback cases whose citizen was satisfied',
    `resolved_on_time_by_instant` Int64 COMMENT 'resolved dossiers within their term by the rule by instant, which stops move',
    `resolved_on_time_by_date` Int64 COMMENT 'resolved dossiers within their term by the rule by date, which stops move',
    `judged_by_766` Int64 COMMENT 'dossiers with an outcome, as Decision 766 judges them',
    `on_time_by_766` Int64 COMMENT 'dossiers with an outcome that Decision 766 counts as on time',
    `form_early` Int64 COMMENT 'dossiers with an outcome that the report form counts as early',
    `form_on_time` Int64 COMMENT 'dossiers with an outcome that the report form counts as on time, not early'
)
ENGINE = ReplacingMergeTree(pos)
PARTITION BY toYYYYMM(window)
ORDER BY (window, agency, partition)
SETTINGS index_granularity = 8192, merge_selector_base = 15, min_bytes_for_wide_part = 67108864
COMMENT 'Counts of five-minute windows of event time';

CREATE MATERIALIZED VIEW sources_of_events TO sources
(
    `source` LowCardinality(String),
    `occurred_at` DateTime64(6, 'UTC'),
    `published_at` DateTime64(3, 'UTC')
)
AS SELECT
    source,
    max(events.occurred_at) AS occurred_at,
    max(events.published_at) AS published_at
FROM events
GROUP BY source;
