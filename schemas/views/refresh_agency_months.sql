-- Fills agency_months with all months of which agency_past has every day.
DROP VIEW IF EXISTS refresh_agency_months;

CREATE MATERIALIZED VIEW refresh_agency_months REFRESH AFTER 10 MINUTE TO agency_months AS
SELECT
    toStartOfMonth(day) AS month,
    agency,
    sum(agency_past.received) AS received,
    sum(agency_past.received_online) AS received_online,
    sum(agency_past.received_postal) AS received_postal,
    sum(agency_past.fee_bearing) AS fee_bearing,
    sum(agency_past.fee_paid_online) AS fee_paid_online,
    sum(agency_past.resolved) AS resolved,
    sum(agency_past.resolved_on_time) AS resolved_on_time,
    sum(agency_past.resolved_early) AS resolved_early,
    sum(agency_past.resolved_electronically) AS resolved_electronically,
    sum(agency_past.returned) AS returned,
    sum(agency_past.withdrawn) AS withdrawn,
    sum(agency_past.refused) AS refused,
    sum(agency_past.stopped) AS stopped,
    sum(agency_past.extensions) AS extensions,
    sum(agency_past.supplements) AS supplements,
    sum(agency_past.payments) AS payments,
    sum(agency_past.payments_online) AS payments_online,
    sum(agency_past.paid_amount) AS paid_amount,
    sum(agency_past.refunds) AS refunds,
    sum(agency_past.refunded_amount) AS refunded_amount,
    sum(agency_past.digitisations) AS digitisations,
    sum(agency_past.components) AS components,
    sum(agency_past.components_digitised) AS components_digitised,
    sum(agency_past.components_reused) AS components_reused,
    sum(agency_past.rated) AS rated,
    sum(agency_past.satisfied) AS satisfied,
    sum(agency_past.feedback_received) AS feedback_received,
    sum(agency_past.feedback_answered) AS feedback_answered,
    sum(agency_past.feedback_on_time) AS feedback_on_time,
    sum(agency_past.feedback_rated) AS feedback_rated,
    sum(agency_past.feedback_satisfied) AS feedback_satisfied,
    sum(agency_past.resolved_on_time_by_instant) AS resolved_on_time_by_instant,
    sum(agency_past.resolved_on_time_by_date) AS resolved_on_time_by_date,
    sum(agency_past.judged_by_766) AS judged_by_766,
    sum(agency_past.on_time_by_766) AS on_time_by_766,
    sum(agency_past.form_early) AS form_early,
    sum(agency_past.form_on_time) AS form_on_time
FROM agency_past
WHERE toStartOfMonth(day) < (SELECT toStartOfMonth(toDate(max(until), '{time_zone}')) FROM agency_past)
GROUP BY agency, month
SETTINGS max_threads = 1
