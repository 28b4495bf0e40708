-- Per agency what was counted in a span of time, and what is open and overdue as of now.
SELECT
    agency,
    received,
    received_online,
    received_postal,
    fee_bearing,
    fee_paid_online,
    resolved,
    resolved_on_time,
    resolved_early,
    resolved_electronically,
    returned,
    withdrawn,
    refused,
    stopped,
    extensions,
    supplements,
    payments,
    payments_online,
    paid_amount,
    refunds,
    refunded_amount,
    digitisations,
    components,
    components_digitised,
    components_reused,
    rated,
    satisfied,
    feedback_received,
    feedback_answered,
    feedback_on_time,
    feedback_rated,
    feedback_satisfied,
    resolved_on_time_by_instant,
    resolved_on_time_by_date,
    judged_by_766,
    on_time_by_766,
    form_early,
    form_on_time,
    open,
    overdue
FROM
(
    SELECT
        agency,
        sum(windows.received) AS received,
        sum(windows.received_online) AS received_online,
        sum(windows.received_postal) AS received_postal,
        sum(windows.fee_bearing) AS fee_bearing,
        sum(windows.fee_paid_online) AS fee_paid_online,
        sum(windows.resolved) AS resolved,
        sum(windows.resolved_on_time) AS resolved_on_time,
        sum(windows.resolved_early) AS resolved_early,
        sum(windows.resolved_electronically) AS resolved_electronically,
        sum(windows.returned) AS returned,
        sum(windows.withdrawn) AS withdrawn,
        sum(windows.refused) AS refused,
        sum(windows.stopped) AS stopped,
        sum(windows.extensions) AS extensions,
        sum(windows.supplements) AS supplements,
        sum(windows.payments) AS payments,
        sum(windows.payments_online) AS payments_online,
        sum(windows.paid_amount) AS paid_amount,
        sum(windows.refunds) AS refunds,
        sum(windows.refunded_amount) AS refunded_amount,
        sum(windows.digitisations) AS digitisations,
        sum(windows.components) AS components,
        sum(windows.components_digitised) AS components_digitised,
        sum(windows.components_reused) AS components_reused,
        sum(windows.rated) AS rated,
        sum(windows.satisfied) AS satisfied,
        sum(windows.feedback_received) AS feedback_received,
        sum(windows.feedback_answered) AS feedback_answered,
        sum(windows.feedback_on_time) AS feedback_on_time,
        sum(windows.feedback_rated) AS feedback_rated,
        sum(windows.feedback_satisfied) AS feedback_satisfied,
        sum(windows.resolved_on_time_by_instant) AS resolved_on_time_by_instant,
        sum(windows.resolved_on_time_by_date) AS resolved_on_time_by_date,
        sum(windows.judged_by_766) AS judged_by_766,
        sum(windows.on_time_by_766) AS on_time_by_766,
        sum(windows.form_early) AS form_early,
        sum(windows.form_on_time) AS form_on_time
    FROM windows FINAL
    WHERE window >= %(since)s AND window < %(until)s
    GROUP BY agency
) AS counted
FULL OUTER JOIN
(
    SELECT agency, countIf(is_open) AS open, countIf(is_overdue) AS overdue
    FROM dossiers
    GROUP BY agency
    HAVING open > 0
) AS waiting USING (agency)
ORDER BY received DESC, agency
