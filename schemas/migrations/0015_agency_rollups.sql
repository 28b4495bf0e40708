-- Roll-ups by agency: filled again and again by the views refresh_agency_past, refresh_agency_months, refresh_receiver_days
-- and refresh_city_waiting, and never the truth. They hold codes of agencies, never places in the tree: a tree changes no row.
CREATE TABLE IF NOT EXISTS agency_past
(
    until  DateTime('UTC')        COMMENT 'Windows from then on are not in it',
    agency LowCardinality(String) COMMENT 'Agency that the dossiers belong to now',
    day    Date                   COMMENT 'Local day',
    received                Int64 COMMENT 'dossiers received',
    received_online         Int64 COMMENT 'dossiers received online',
    received_postal         Int64 COMMENT 'dossiers received by public post',
    fee_bearing             Int64 COMMENT 'received dossiers that bear a fee',
    fee_paid_online         Int64 COMMENT 'received fee-bearing dossiers with an online payment that was not given back whole',
    resolved                Int64 COMMENT 'dossiers resolved with a result',
    resolved_on_time        Int64 COMMENT 'resolved dossiers within their current term, or without one',
    resolved_early          Int64 COMMENT 'resolved dossiers on a local day before that of their current term',
    resolved_electronically Int64 COMMENT 'resolved dossiers whose result is an electronic file',
    returned                Int64 COMMENT 'results handed to the citizen',
    withdrawn               Int64 COMMENT 'dossiers withdrawn by the citizen',
    refused                 Int64 COMMENT 'dossiers refused',
    stopped                 Int64 COMMENT 'dossiers stopped without a result',
    extensions              Int64 COMMENT 'extensions of terms',
    supplements             Int64 COMMENT 'requests for supplements',
    payments                Int64 COMMENT 'payments confirmed',
    payments_online         Int64 COMMENT 'payments confirmed online',
    paid_amount             Int64 COMMENT 'sum of payments in whole units of the currency',
    refunds                 Int64 COMMENT 'payments given back, in whole or in part',
    refunded_amount         Int64 COMMENT 'sum given back in whole units of the currency',
    digitisations           Int64 COMMENT 'dossiers whose digitisation is known',
    components              Int64 COMMENT 'components of those dossiers',
    components_digitised    Int64 COMMENT 'digitised components',
    components_reused       Int64 COMMENT 'components taken from data digitised before',
    rated                   Int64 COMMENT 'dossiers rated by the citizen',
    satisfied               Int64 COMMENT 'rated dossiers whose citizen was satisfied',
    feedback_received       Int64 COMMENT 'feedback cases received',
    feedback_answered       Int64 COMMENT 'feedback cases answered',
    feedback_on_time        Int64 COMMENT 'answered feedback cases within their current term, or without one',
    feedback_rated          Int64 COMMENT 'feedback cases rated by the citizen',
    feedback_satisfied      Int64 COMMENT 'rated feedback cases whose citizen was satisfied'
)
ENGINE = {replicated}MergeTree
ORDER BY (day, agency)
COMMENT 'Counts of agencies by local day, up to a week ago';

CREATE TABLE IF NOT EXISTS agency_months
(
    month  Date                   COMMENT 'First day of the local month; all of it lies before the end of agency_past',
    agency LowCardinality(String) COMMENT 'Agency that the dossiers belong to now',
    received                Int64 COMMENT 'dossiers received',
    received_online         Int64 COMMENT 'dossiers received online',
    received_postal         Int64 COMMENT 'dossiers received by public post',
    fee_bearing             Int64 COMMENT 'received dossiers that bear a fee',
    fee_paid_online         Int64 COMMENT 'received fee-bearing dossiers with an online payment that was not given back whole',
    resolved                Int64 COMMENT 'dossiers resolved with a result',
    resolved_on_time        Int64 COMMENT 'resolved dossiers within their current term, or without one',
    resolved_early          Int64 COMMENT 'resolved dossiers on a local day before that of their current term',
    resolved_electronically Int64 COMMENT 'resolved dossiers whose result is an electronic file',
    returned                Int64 COMMENT 'results handed to the citizen',
    withdrawn               Int64 COMMENT 'dossiers withdrawn by the citizen',
    refused                 Int64 COMMENT 'dossiers refused',
    stopped                 Int64 COMMENT 'dossiers stopped without a result',
    extensions              Int64 COMMENT 'extensions of terms',
    supplements             Int64 COMMENT 'requests for supplements',
    payments                Int64 COMMENT 'payments confirmed',
    payments_online         Int64 COMMENT 'payments confirmed online',
    paid_amount             Int64 COMMENT 'sum of payments in whole units of the currency',
    refunds                 Int64 COMMENT 'payments given back, in whole or in part',
    refunded_amount         Int64 COMMENT 'sum given back in whole units of the currency',
    digitisations           Int64 COMMENT 'dossiers whose digitisation is known',
    components              Int64 COMMENT 'components of those dossiers',
    components_digitised    Int64 COMMENT 'digitised components',
    components_reused       Int64 COMMENT 'components taken from data digitised before',
    rated                   Int64 COMMENT 'dossiers rated by the citizen',
    satisfied               Int64 COMMENT 'rated dossiers whose citizen was satisfied',
    feedback_received       Int64 COMMENT 'feedback cases received',
    feedback_answered       Int64 COMMENT 'feedback cases answered',
    feedback_on_time        Int64 COMMENT 'answered feedback cases within their current term, or without one',
    feedback_rated          Int64 COMMENT 'feedback cases rated by the citizen',
    feedback_satisfied      Int64 COMMENT 'rated feedback cases whose citizen was satisfied'
)
ENGINE = {replicated}MergeTree
ORDER BY (month, agency)
COMMENT 'Counts of agencies by whole local month, from agency_past';

CREATE TABLE IF NOT EXISTS receiver_days
(
    receiver        LowCardinality(String) COMMENT 'Office that took the dossiers in',
    day             Date                   COMMENT 'Local day of reception',
    received        Int64                  COMMENT 'dossiers received',
    received_online Int64                  COMMENT 'dossiers received online',
    received_postal Int64                  COMMENT 'dossiers received by public post'
)
ENGINE = {replicated}MergeTree
ORDER BY (day, receiver)
COMMENT 'Receptions of receiving offices by local day';

ALTER TABLE city_waiting
    ADD COLUMN IF NOT EXISTS agency LowCardinality(String) COMMENT 'Agency responsible now' AFTER kind,
    ADD COLUMN IF NOT EXISTS receiver LowCardinality(String) COMMENT 'Office that took them in' AFTER agency;
