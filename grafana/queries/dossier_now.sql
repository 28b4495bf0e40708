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
    outcome_at,
    multiIf(is_overdue, 'quá hạn / overdue', on_time IS NULL, '–', on_time, 'có / yes', 'không / no') AS in_time,
    extensions,
    supplements,
    paid_amount - refunded_amount AS paid_amount
FROM dossiers
WHERE dossier = (
    WITH decodeURLComponent('${dossier:percentencode}') AS chosen
    SELECT if(chosen = '', (SELECT argMax(dossier, seq) FROM dossier_alerts), chosen))
