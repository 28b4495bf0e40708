-- The rate of this month of each agency that received enough fee-bearing dossiers for a rate to say anything.
SELECT agency, online_payment_rate AS value
FROM agency_windows
WHERE period = 'month'
    AND start = (SELECT start FROM periods WHERE period = 'month')
    AND fee_bearing >= {minimum}
ORDER BY agency
