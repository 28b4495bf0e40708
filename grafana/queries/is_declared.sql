-- Whether reference data of a kind is loaded: its current load is the one with the greatest number.
SELECT argMax(reference_loads.rows, reference_loads.load) > 0
FROM reference_loads
WHERE kind = '{kind}'
