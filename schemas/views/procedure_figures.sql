-- Figures of procedures and of fields (`is_field`) from one local day to another, both included: receptions and results of
-- these days, what is open and overdue as of now. Every procedure that is declared today has a row, also where it was never
-- used, and so does every one that was counted. Days are those from reception to result; NULL where nothing was resolved.
CREATE OR REPLACE VIEW procedure_figures AS
SELECT
    grouping(procedure) = 1 AS is_field,
    procedure_names.field AS field,
    if(empty(procedure_names.code), counted.procedure, procedure_names.code) AS procedure,
    any(procedure_names.name_vi) AS name_vi,
    any(procedure_names.name_en) AS name_en,
    any(procedure_names.service_level) AS service_level,
    max(procedure_names.code != '') AS is_declared,
    max(procedure_names.is_current) AS is_current,
    sum(counted.received) AS received,
    sum(counted.received_online) AS received_online,
    sum(counted.resolved) AS resolved,
    sum(counted.resolved_on_time) AS resolved_on_time,
    if(resolved > 0, quantilesExactMerge(0.5, 0.9)(counted.seconds)[1] / 86400, NULL) AS median_days,
    if(resolved > 0, quantilesExactMerge(0.5, 0.9)(counted.seconds)[2] / 86400, NULL) AS p90_days,
    sum(counted.open) AS open,
    sum(counted.overdue) AS overdue
FROM
(
    SELECT
        toString(facts.procedure) AS procedure,
        countIf(is_received) AS received,
        countIf(is_received AND channel = 'online') AS received_online,
        countIf(is_resolved) AS resolved,
        countIf(is_resolved AND on_time) AS resolved_on_time,
        quantilesExactStateIf(0.5, 0.9)(dateDiff('second', assumeNotNull(received_at), assumeNotNull(outcome_at)), is_resolved) AS seconds,
        countIf(outcome = '') AS open,
        countIf(outcome = '' AND term IS NOT NULL
            AND if('{terms}' = 'instant', now64(6) > term, toDate(now(), '{time_zone}') > toDate(term, '{time_zone}'))) AS overdue
    FROM
    (
        WITH
            -- Comparing instants is cheaper than computing the local day of each. Some zones skip midnights: add days to dates.
            toDateTime64({since:Date}, 6, '{time_zone}') AS beginning,
            toDateTime64(addDays(toDate32({until:Date}), 1), 6, '{time_zone}') AS end
        SELECT
            *,
            received_at >= beginning AND received_at < end AS is_received,
            outcome = 'resolved' AND ifNull(outcome_at >= beginning AND outcome_at < end, false) AS is_resolved
        FROM facts FINAL
        WHERE case_kind = 'dossier' AND NOT voided AND (is_received OR is_resolved OR outcome = '')
    ) AS facts
    GROUP BY procedure
) AS counted
FULL OUTER JOIN procedure_names ON procedure_names.code = counted.procedure
GROUP BY GROUPING SETS ((field), (field, procedure))
HAVING received > 0 OR resolved > 0 OR open > 0 OR is_current
SETTINGS join_use_nulls = 0
