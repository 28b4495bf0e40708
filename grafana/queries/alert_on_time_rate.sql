-- The rate of this month of each agency that resolved enough for a rate to say anything.
SELECT agency, on_time_rate AS value
FROM agency_windows
WHERE period = 'month'
    AND start = (SELECT start FROM periods WHERE period = 'month')
    AND resolved >= {minimum}
ORDER BY agency
