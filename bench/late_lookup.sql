-- {count} of {dossiers} open dossiers of {agencies} agencies, received within two months; one in fifty is overdue. The clock of
-- one in ten stood for a day, so that it has steps by each rule; of half of these it stands still.
INSERT INTO facts (dossier, pos, partition, registers, case_kind, agency, channel, procedure, received_at, term_original, term,
    verdict_rule, verdict_since, verdict_standing, verdict_until)
WITH
    {first} + number AS n,
    cityHash64(n) AS seed,
    now64(6) - toIntervalMinute(seed % 86400) AS received,
    now64(6) + toIntervalMinute(toInt64(seed % 57600) - 1152) AS due,
    toDateTime64('2299-12-31 00:00:00', 6, 'UTC') AS never,
    seed % 10 = 0 AS has_steps,
    seed % 20 = 0 AS still_stands,
    received + toIntervalHour(1) AS stopped,
    received + toIntervalHour(25) AS continued
SELECT
    concat('H26.', leftPad(toString(n), 12, '0')),
    1,
    kafkaMurmurHash(concat('H26.', leftPad(toString(n), 12, '0'))) % 8,
    unhex('{registers}'),
    'dossier',
    concat('H26.', toString(seed % {agencies})),
    'online',
    concat('1.', toString(seed % 1500)),
    received,
    due,
    due,
    arraySlice([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4], 1, has_steps * 12),
    arraySlice(arrayFlatten(arrayMap(rule -> [received, stopped, continued], range(4))), 1, has_steps * 12),
    arraySlice(arrayFlatten(arrayMap(rule -> [4, 4, 4], range(4))), 1, has_steps * 12),
    arraySlice(arrayFlatten(arrayMap(rule -> [due, never, if(still_stands, never, due)], range(4))), 1, has_steps * 12)
FROM numbers({count})
