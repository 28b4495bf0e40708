-- Figures of procedures and of fields (`is_field`) from one local day to another, both included: receptions and results of
-- these days, what is open and overdue as of now. `on_time` of `judged` and
-- `overdue` are by the leading rule, `resolved_on_time` as sent. Every procedure that is declared today has a row, also where it was never
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
    sum(counted.judged) AS judged,
    sum(counted.on_time) AS on_time,
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
        countIf(is_resolved AND facts.on_time) AS resolved_on_time,
        countIf(is_judged) AS judged,
        countIf(is_judged AND final_standing IN (1, 2)) AS on_time,
        quantilesExactStateIf(0.5, 0.9)(dateDiff('second', assumeNotNull(received_at), assumeNotNull(outcome_at)), is_resolved) AS seconds,
        countIf(is_open) AS open,
        countIf(is_overdue) AS overdue
    FROM
    (
        WITH
            {verdicts},
            -- Comparing instants is cheaper than computing the local day of each. Some zones skip midnights: add days to dates.
            toDateTime64({since:Date}, 6, '{time_zone}') AS beginning,
            toDateTime64(addDays(toDate32({until:Date}), 1), 6, '{time_zone}') AS end
        SELECT
            *,
            received_at >= beginning AND received_at < end AS is_received,
            ifNull(outcome_at >= beginning AND outcome_at < end, false) AS has_ended,
            has_ended AND outcome = 'resolved' AS is_resolved,
            -- As the counters: what ended is judged by what is known now, and the two rules on results judge only results.
            has_ended AND ({leading} > 2 OR outcome = 'resolved') AS is_judged,
            standing_by({leading}, toDateTime64('2299-12-30 00:00:00', 6, 'UTC')) AS final_standing,
            ifNull(outcome_at > now64(6), true) AS is_open,
            standing_by({leading}, now64(6)) = 5 AS is_overdue
        FROM facts FINAL
        WHERE case_kind = 'dossier' AND NOT voided AND (is_received OR has_ended OR is_open)
    ) AS facts
    GROUP BY procedure
) AS counted
FULL OUTER JOIN procedure_names ON procedure_names.code = counted.procedure
GROUP BY GROUPING SETS ((field), (field, procedure))
HAVING received > 0 OR resolved > 0 OR open > 0 OR is_current
SETTINGS join_use_nulls = 0
