-- Always one row; the rate is NULL where nothing bears a fee.
SELECT
    sum(fee_paid_online) / nullIf(sum(fee_bearing), 0) AS online_payment_rate,
    sum(agency_windows.payments) AS payments,
    sum(agency_windows.paid_amount) AS paid_amount,
    sum(agency_windows.refunded_amount) AS refunded_amount
FROM agency_windows
WHERE period = 'day' AND $__timeFilter(start) AND {agency_is_chosen}
