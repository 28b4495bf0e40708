-- {dossiers} dossiers of two years up to now, of {agencies} agencies of unequal size, in office hours; and their windows. Today
-- has as many as any day, whatever the hour is.
-- One in fifty is open, one in three hundred overdue, as in a city; the newest come last, as they do on a topic.
INSERT INTO facts (dossier, pos, partition, case_kind, agency, channel, procedure, fee_bearing, received_at, term_original, term,
    outcome, outcome_at, on_time, digitised_at, components, components_digitised, rated_at, satisfied)
WITH
    {first} + number AS n,
    cityHash64(n) AS seed,
    concat('H26.', toString(toUInt16({agencies} * pow((seed % 100003) / 100003, 2)))) AS agency_of,
    toStartOfDay(now(), 'Asia/Ho_Chi_Minh') AS today,
    -- Spread over the two years in the order of n.
    today - toIntervalDay(toUInt32(730 - 730 * (n + 1) / {dossiers})) AS day,
    day + toIntervalSecond(if(day = today, seed % (1 + now() - today), 28800 + seed % 32400)) AS any_time,
    toDateTime64(any_time, 6, 'UTC') AS received,
    received + toIntervalDay(3 + seed % 20) AS due,
    -- Most are resolved in time, some late, few never.
    received + toIntervalSecond(toUInt32((3 + seed % 20) * 86400 * ((seed % 97) / 100 + (seed % 19 = 0) * 0.5))) AS done,
    done < now() AND seed % 1009 != 0 AS is_done
SELECT
    concat('H26.', leftPad(toString(n), 12, '0')),
    1,
    kafkaMurmurHash(concat('H26.', leftPad(toString(n), 12, '0'))) % 8,
    'dossier',
    agency_of,
    if(seed % 10 < 7, 'online', 'direct'),
    concat('1.', toString(seed % 1500)),
    seed % 3 = 0,
    received,
    due,
    due,
    if(is_done, 'resolved', ''),
    if(is_done, done, NULL),
    if(is_done, done <= due, NULL),
    received + toIntervalHour(1),
    3 + seed % 5,
    seed % 4,
    if(is_done AND seed % 4 = 0, done, NULL),
    seed % 11 != 0
FROM numbers({count});

INSERT INTO windows (agency, window, partition, pos, received, received_online, fee_bearing, fee_paid_online, digitisations,
    components, components_digitised, resolved, resolved_on_time, resolved_on_time_by_instant,
    rated, satisfied)
SELECT
    agency,
    toStartOfFiveMinutes(counted.1) AS five_minutes,
    partition,
    1,
    sum(counted.2 = 'received'),
    sum(counted.2 = 'received' AND channel = 'online'),
    sum(counted.2 = 'received' AND fee_bearing),
    sum(counted.2 = 'received' AND fee_bearing AND channel = 'online'),
    sum(counted.2 = 'digitised'),
    sumIf(components, counted.2 = 'digitised'),
    sumIf(components_digitised, counted.2 = 'digitised'),
    sum(counted.2 = 'outcome'),
    sum(counted.2 = 'outcome' AND on_time),
    sum(counted.2 = 'outcome' AND on_time),
    sum(counted.2 = 'rated'),
    sum(counted.2 = 'rated' AND satisfied)
FROM facts
ARRAY JOIN [(received_at, 'received'), (digitised_at, 'digitised'), (outcome_at, 'outcome'), (rated_at, 'rated')] AS counted
WHERE counted.1 IS NOT NULL AND partition = {partition}
GROUP BY agency, five_minutes, partition;
