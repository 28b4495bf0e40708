SELECT
    {agency_code} AS agency,
    {agency_name} AS agency_name,
    sum(days.fee_bearing) AS fee_bearing,
    sum(days.fee_paid_online) AS fee_paid_online,
    fee_paid_online / nullIf(fee_bearing, 0) AS online_payment_rate,
    sum(days.payments) AS payments,
    sum(days.paid_amount) AS paid_amount,
    sum(days.refunds) AS refunds,
    sum(days.refunded_amount) AS refunded_amount
FROM
(
    SELECT * FROM agency_windows WHERE period = 'day' AND $__timeFilter(start) AND {agency_is_chosen}
) AS days
GROUP BY agency
HAVING fee_bearing > 0 OR payments > 0
ORDER BY fee_bearing DESC, agency
