-- Counts of one node with all below it, by local day, from one day to another, both included: with each dossier at the place
-- of its agency then (way = 'then') or today (way = 'today'). Days without counts have no row.
CREATE OR REPLACE VIEW node_days AS
WITH
    {way:Enum8('then' = 1, 'today' = 2)} = 'then' AS is_then,
    (SELECT max(load) FROM reference_loads WHERE kind = 'agencies') AS current,
    -- The first days of stretches within which each agency has one place, in their order.
    (
        SELECT arraySort(arrayPushFront(groupUniqArray(valid_from), {since:Date}))
        FROM agency_placements
        WHERE load = current AND valid_from > {since:Date} AND valid_from <= {until:Date}
    ) AS changes,
    if(is_then, changes, [toDate(now(), '{time_zone}')]) AS starts
SELECT
    day,
    sum(agency_days.received) AS received,
    sum(agency_days.received_online) AS received_online,
    sum(agency_days.received_postal) AS received_postal,
    sum(agency_days.fee_bearing) AS fee_bearing,
    sum(agency_days.fee_paid_online) AS fee_paid_online,
    sum(agency_days.resolved) AS resolved,
    sum(agency_days.resolved_on_time) AS resolved_on_time,
    sum(agency_days.resolved_early) AS resolved_early,
    sum(agency_days.resolved_electronically) AS resolved_electronically,
    sum(agency_days.returned) AS returned,
    sum(agency_days.withdrawn) AS withdrawn,
    sum(agency_days.refused) AS refused,
    sum(agency_days.stopped) AS stopped,
    sum(agency_days.extensions) AS extensions,
    sum(agency_days.supplements) AS supplements,
    sum(agency_days.payments) AS payments,
    sum(agency_days.payments_online) AS payments_online,
    sum(agency_days.paid_amount) AS paid_amount,
    sum(agency_days.refunds) AS refunds,
    sum(agency_days.refunded_amount) AS refunded_amount,
    sum(agency_days.digitisations) AS digitisations,
    sum(agency_days.components) AS components,
    sum(agency_days.components_digitised) AS components_digitised,
    sum(agency_days.components_reused) AS components_reused,
    sum(agency_days.rated) AS rated,
    sum(agency_days.satisfied) AS satisfied,
    sum(agency_days.feedback_received) AS feedback_received,
    sum(agency_days.feedback_answered) AS feedback_answered,
    sum(agency_days.feedback_on_time) AS feedback_on_time,
    sum(agency_days.feedback_rated) AS feedback_rated,
    sum(agency_days.feedback_satisfied) AS feedback_satisfied,
    sum(agency_days.resolved_on_time_by_instant) AS resolved_on_time_by_instant,
    sum(agency_days.resolved_on_time_by_date) AS resolved_on_time_by_date,
    sum(agency_days.judged_by_766) AS judged_by_766,
    sum(agency_days.on_time_by_766) AS on_time_by_766,
    sum(agency_days.form_early) AS form_early,
    sum(agency_days.form_on_time) AS form_on_time,
    sum(agency_days.on_time) AS on_time,
    sum(agency_days.judged) AS judged
FROM agency_days
WHERE day BETWEEN {since:Date} AND {until:Date}
    AND (toString(agency), if(is_then, arrayCount(start -> start <= day, starts), 1)) IN
    (
        SELECT agency, stretch
        FROM agency_placements
        ARRAY JOIN arrayEnumerate(starts) AS stretch
        WHERE load = current AND starts[stretch] BETWEEN valid_from AND valid_to AND has(path, {node:String})
        UNION ALL
        -- One that is not declared.
        SELECT {node:String}, arrayJoin(arrayEnumerate(starts))
        WHERE {node:String} NOT IN (SELECT agency FROM agency_placements WHERE load = current)
    )
GROUP BY day
