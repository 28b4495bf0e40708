-- Dead letters by topic, state, reason, source, time of publication and place; a NULL selects all.
SELECT
    topic,
    partition,
    offset,
    line,
    reason,
    field,
    detail,
    source,
    published_at,
    state,
    why,
    erased,
    decided_at
FROM letters
WHERE (%(topic)s IS NULL OR topic = %(topic)s)
    AND (%(state)s IS NULL OR state = %(state)s)
    AND (%(reason)s IS NULL OR reason = %(reason)s)
    AND (%(source)s IS NULL OR source = %(source)s)
    AND toUnixTimestamp64Milli(published_at) >= %(since)s
    AND toUnixTimestamp64Milli(published_at) < %(until)s
    AND (%(everywhere)s OR (topic, partition, offset, line) IN %(places)s)
