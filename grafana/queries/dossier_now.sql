SELECT
    {agency_code} AS agency,
    {agency_name} AS agency_name,
    {receiver_code} AS receiver,
    {receiver_name} AS receiver_name,
    status,
    procedure,
    {procedure_name} AS procedure_name,
    channel,
    received_at,
    term,
    due_at,
    outcome_at,
    multiIf(is_overdue, 'quá hạn / overdue', is_open, '–', standing IN ('early', 'on time'), 'có / yes', 'không / no') AS in_time,
    toString(standing_by_instant) AS by_instant,
    toString(standing_by_date) AS by_date,
    toString(standing_by_766) AS by_766,
    toString(standing_by_report_form) AS by_report_form,
    extensions,
    supplements,
    paid_amount - refunded_amount AS paid_amount
FROM dossiers
WHERE dossier = (
    WITH decodeURLComponent('${dossier:percentencode}') AS chosen
    SELECT if(chosen = '', (SELECT argMax(dossier, seq) FROM dossier_alerts), chosen))
