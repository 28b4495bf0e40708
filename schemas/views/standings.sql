-- Each case as it was at an instant, as far as records of today tell: one row for each that had been received, dossier or
-- feedback. Empty is not judged: the rules of reports on dossiers judge no feedback. "As of 30 September 24:00" is the last
-- microsecond of that day.
CREATE OR REPLACE VIEW standings AS
WITH
    {verdicts},
    {as_of:DateTime64(6, '{time_zone}')} AS as_of
SELECT
    dossier,
    case_kind,
    agency,
    receiver,
    procedure,
    channel,
    received_at,
    ifNull(outcome_at > as_of, true) AS is_open,
    if(is_open, '', toString(outcome)) AS outcome_then,
    standing_name(standing_by({leading}, as_of)) AS standing,
    standing_name(standing_by(1, as_of)) AS standing_by_instant,
    standing_name(standing_by(2, as_of)) AS standing_by_date,
    standing_name(standing_by(3, as_of)) AS standing_by_766,
    standing_name(standing_by(4, as_of)) AS standing_by_report_form,
    due_by({leading}, as_of) AS due_at
FROM facts FINAL
WHERE case_kind != '' AND NOT voided AND received_at <= as_of
