-- Dossiers that are open and overdue by the leading rule, as of now: time alone puts them here.
CREATE OR REPLACE VIEW overdue_dossiers AS
SELECT
    dossier,
    agency,
    procedure,
    status,
    received_at,
    term_original,
    term,
    term_computed,
    due_at,
    dateDiff('second', due_at, now64(6)) / 86400 AS days_overdue,
    extensions,
    apologies,
    suspension,
    step,
    unit,
    official,
    step_at
FROM dossiers
WHERE is_overdue
