-- One row, always; 0 where there was no audit yet, of which another rule tells. Of the last audit of everything, or of one
-- since then of what moved, where that found more: what did not move is still as it was.
SELECT toFloat64(max(facts_differences + window_differences + other_differences)) AS value
FROM audits
WHERE at >= (SELECT max(at) FROM audits WHERE scope = 'all')
