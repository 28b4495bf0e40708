-- A rate of this month of each agency whose volume is enough for a rate to say anything.
SELECT agency, {agency_name} AS agency_name, {rate} AS value
FROM agency_windows
WHERE period = 'month'
    AND start = (SELECT start FROM periods WHERE period = 'month')
    AND {volume} >= {minimum}
ORDER BY agency
