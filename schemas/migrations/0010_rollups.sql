-- What a wallboard needs of the past, small: filled again and again by the views refresh_city_past and
-- refresh_city_waiting, and never the truth. Days are local days of the deployment, and all of them lie before `until`.
CREATE TABLE IF NOT EXISTS city_past
(
    until                DateTime('UTC') COMMENT 'Start of the day of the refresh: later windows are not in it',
    is_day               Bool            COMMENT 'Whether it is of a whole day, or else of five minutes',
    start                DateTime('UTC') COMMENT 'Start of the local day, or of the five minutes',
    received             Int64           COMMENT 'dossiers received',
    received_online      Int64           COMMENT 'dossiers received online',
    fee_bearing          Int64           COMMENT 'received dossiers that bear a fee',
    fee_paid_online      Int64           COMMENT 'received fee-bearing dossiers with an online payment that was not given back whole',
    resolved             Int64           COMMENT 'dossiers resolved with a result',
    resolved_on_time     Int64           COMMENT 'resolved dossiers within their current term, or without one',
    ended                Int64           COMMENT 'dossiers with any outcome',
    components           Int64           COMMENT 'components of dossiers whose digitisation is known',
    components_digitised Int64           COMMENT 'digitised components',
    rated                Int64           COMMENT 'dossiers rated by the citizen',
    satisfied            Int64           COMMENT 'rated dossiers whose citizen was satisfied',
    feedback_answered    Int64           COMMENT 'feedback cases answered',
    feedback_on_time     Int64           COMMENT 'answered feedback cases within their current term, or without one'
)
ENGINE = {replicated}MergeTree
ORDER BY (is_day, start)
COMMENT 'Counts of the whole city up to yesterday: by local day, and by five minutes of the days on which figures are compared';

CREATE TABLE IF NOT EXISTS city_waiting
(
    kind     LowCardinality(String)         COMMENT 'now, or what was open a day, month or year before the refresh',
    term     Nullable(DateTime64(6, 'UTC')) COMMENT 'Of now: the term that these dossiers have',
    dossiers UInt64                         COMMENT 'Open dossiers',
    overdue  UInt64                         COMMENT 'Of what was open before: those that were overdue then'
)
ENGINE = {replicated}MergeTree
ORDER BY kind
COMMENT 'Open dossiers of the whole city by term, and how many there were before';
