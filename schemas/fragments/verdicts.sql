-- How each row of `facts` stands by a rule: what is known of a case that was received and is not void, as items of a WITH.
    -- A plain case has no steps: nothing moved its term, so its end, or now, is compared with it. By instant it lasts to the
    -- very instant, by the other rules to the last microsecond of its local day.
    coalesce(term, term_computed) AS held_term,
    rule -> if(rule = 1, held_term,
        fromUnixTimestamp64Micro(
            toUnixTimestamp(toStartOfDay(held_term, '{time_zone}') + INTERVAL 1 DAY) * 1000000 - 1, 'UTC')) AS plain_due,
    (rule, instant) -> multiIf(
        received_at > instant OR (case_kind = 'feedback' AND rule > 2), 0,
        ifNull(outcome_at > instant, true), if(ifNull(instant > plain_due(rule), false), 5, 4),
        rule = 4 AND outcome != 'resolved', 2,
        ifNull(outcome_at > plain_due(rule), false), 3,
        if(rule = 4, ifNull(outcome_at < toStartOfDay(held_term, '{time_zone}'), false), false), 1,
        2) AS plain_standing,
    -- Of any other case, the last step of the rule that began by then.
    (rule, instant) -> arrayLastIndex((each, since) -> each = rule AND since <= instant, verdict_rule, verdict_since)
        AS step_by,
    (rule, instant) -> arrayMap(
        (standing, until) -> if(standing = 4 AND instant > until, 5, standing),
        verdict_standing, verdict_until)[step_by(rule, instant)] AS step_standing,
    -- 1 early, 2 on time, 3 late, 4 in term, 5 overdue, 0 not judged or not received yet. A case has one of both summands:
    -- to compute both costs less than `if`, which parts the rows and joins them again.
    (rule, instant) -> toUInt8(empty(verdict_rule) * plain_standing(rule, instant) + step_standing(rule, instant)) AS standing_by,
    -- Whether one that is open then is overdue: the same, for less.
    (rule, instant) -> empty(verdict_rule) * ifNull(instant > plain_due(rule), false) + (step_standing(rule, instant) = 5) = 1
        AS overdue_by,
    -- Where a case is overdue by itself, as by a second request for supplements, it was in time up to the first of these
    -- steps, or up to its deadline before.
    (rule, instant) -> arrayMap(
        (step, before) -> multiIf(
            verdict_standing[step] = 4,
                nullIf(verdict_until[step], toDateTime64('2299-12-31 00:00:00', 6, 'UTC')),
            verdict_standing[step] != 5, NULL,
            verdict_standing[before] = 4,
                least(verdict_until[before], subtractMicroseconds(verdict_since[before + 1], 1)),
            subtractMicroseconds(verdict_since[if(before = 0, indexOf(verdict_rule, rule), before + 1)], 1)),
        [step_by(rule, instant)],
        [arrayLastIndex(
            (each, since, standing) -> each = rule AND since <= instant AND standing != 5,
            verdict_rule, verdict_since, verdict_standing)])[1] AS step_due,
    -- Of a case that is open then: the last instant at which an end would be in time, if nothing else happens. NULL without
    -- a term, while the clock stands, and where the rule takes it for resolved.
    (rule, instant) -> multiIf(
        ifNull(outcome_at <= instant, false), NULL,
        notEmpty(verdict_rule), step_due(rule, instant),
        case_kind = 'feedback' AND rule > 2, NULL,
        plain_due(rule)) AS due_by,
    code -> CAST(code, 'Enum8(\'\' = 0, \'early\' = 1, \'on time\' = 2, \'late\' = 3, \'in term\' = 4, \'overdue\' = 5)')
        AS standing_name
