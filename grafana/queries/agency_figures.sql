-- Figures of one agency in the chosen period so far; always one row, rates are NULL where there is nothing to divide by.
SELECT
    sum(agency_days.received) AS received,
    sum(on_time) / nullIf(sum(judged), 0) AS on_time_rate,
    sum(received_online) / nullIf(sum(agency_days.received), 0) AS online_rate,
    sum(fee_paid_online) / nullIf(sum(fee_bearing), 0) AS online_payment_rate,
    sum(satisfied) / nullIf(sum(rated), 0) AS satisfaction_rate
FROM agency_days
WHERE day >= (SELECT minOrNull(toDate(start)) FROM periods WHERE period = decodeURLComponent('${period:percentencode}'))
    AND day <= (SELECT toDate(start) FROM periods WHERE period = 'day')
    AND {agency_is_chosen}
