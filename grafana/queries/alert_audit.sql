-- One row, always; 0 where there was no audit yet, of which another rule tells.
SELECT toFloat64(argMax(facts_differences + window_differences, at)) AS value
FROM audits
