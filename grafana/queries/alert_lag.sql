-- One row, always: the longest wait that the workers of the last five minutes told of, or how long all have been silent.
-- Their pulse comes every ten seconds.
SELECT greatest(
    (SELECT max(lag_seconds)
     FROM (SELECT argMax(lag_seconds, at) AS lag_seconds FROM pulse WHERE at > now() - INTERVAL 5 MINUTE GROUP BY worker)),
    (SELECT toFloat64(dateDiff('second', max(at), now())) - 10 FROM pulse)) AS value
