-- One dossier in thirty waited a day for supplements, and so has steps of its verdicts.
INSERT INTO facts (dossier, pos, partition, case_kind, agency, channel, procedure, fee_bearing, received_at, term_original, term,
    outcome, outcome_at, on_time, verdict_rule, verdict_since, verdict_standing, verdict_until)
WITH
    toDateTime64('2299-12-31 00:00:00', 6, 'UTC') AS never,
    assumeNotNull(received_at) AS begun,
    assumeNotNull(term) AS due,
    if(outcome = '', [], [assumeNotNull(outcome_at)]) AS ended,
    arrayConcat([begun, begun + INTERVAL 1 DAY, begun + INTERVAL 2 DAY], ended) AS sinces,
    arrayConcat([due, never, due + INTERVAL 1 DAY], arrayMap(_ -> never, ended)) AS untils,
    arrayConcat([4, 4, 4], arrayMap(_ -> 2, ended)) AS standings,
    arrayConcat([4, 2, 4], arrayMap(_ -> 2, ended)) AS of_form
SELECT
    dossier, 2, partition, case_kind, agency, channel, procedure, fee_bearing, received_at, term_original, term,
    outcome, outcome_at, on_time,
    arrayFlatten(arrayMap(rule -> arrayMap(_ -> rule, sinces), [1, 2, 3, 4])),
    arrayConcat(sinces, sinces, sinces, sinces),
    arrayConcat(standings, standings, standings, of_form),
    arrayConcat(untils, untils, untils, untils)
FROM facts
WHERE cityHash64(dossier) % 30 = 0;

-- waiting
SELECT kind, agency, receiver, due_at, dossiers, overdue FROM waiting SETTINGS max_threads = 1;

-- waiting, as it was when the term that was sent decided
SELECT waiting.2 AS kind, agency, office AS receiver, waiting.3 AS term, count() AS dossiers, countIf(waiting.4) AS overdue
FROM
(
    WITH
        now('Asia/Ho_Chi_Minh') - INTERVAL 1 DAY AS day,
        now('Asia/Ho_Chi_Minh') - INTERVAL 1 MONTH AS month,
        now('Asia/Ho_Chi_Minh') - INTERVAL 1 YEAR AS year,
        before -> (received_at <= before AND (outcome = '' OR outcome_at > before)) AS was_open,
        before -> (term IS NOT NULL AND before > term) AS was_overdue
    SELECT
        agency,
        if(receiver = '', agency, receiver) AS office,
        arrayJoin(arrayFilter(each -> each.1, [
            (outcome = '', 'now', term, false),
            (ifNull(was_open(day), false), 'day', NULL, ifNull(was_overdue(day), false)),
            (ifNull(was_open(month), false), 'month', NULL, ifNull(was_overdue(month), false)),
            (ifNull(was_open(year), false), 'year', NULL, ifNull(was_overdue(year), false))
        ])) AS waiting
    FROM facts FINAL
    WHERE case_kind = 'dossier' AND NOT voided
)
GROUP BY kind, agency, receiver, term
SETTINGS max_threads = 1;

-- overdue dossiers
SELECT agency, countIf(is_open), countIf(is_overdue) FROM dossiers GROUP BY agency SETTINGS max_threads = 1;

-- overdue dossiers, as it was
SELECT agency, countIf(outcome = ''), countIf(outcome = '' AND term IS NOT NULL AND now64(6) > term)
FROM facts FINAL
WHERE case_kind = 'dossier' AND NOT voided
GROUP BY agency
SETTINGS max_threads = 1;

-- standings of a past instant, by four rules
SELECT agency, standing_by_instant, standing_by_date, standing_by_766, standing_by_report_form, count()
FROM standings(as_of = '{as_of}')
GROUP BY ALL;

-- figures of a month by four rules
SELECT * FROM rule_figures(since = '{since}', until = '{until}')
