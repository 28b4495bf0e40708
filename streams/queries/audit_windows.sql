-- Counters of windows that differ from the sum of the facts up to the cut; and what is beyond the cut: all counters of
-- such windows, and the names of such dossiers under the counter `moved`. A sound database has no other rows.
-- The rules of counting are repeated here in SQL, so that a mistake in either place shows.
WITH
    recomputed AS
    (
        SELECT
            if(counted.2 = 'moved', dossier, agency) AS place,
            toStartOfFiveMinutes(assumeNotNull(counted.1)) AS window,
            partition,
            counted.2 AS counter,
            sum(counted.3) AS amount
        FROM
        (
            SELECT
                dossier,
                agency,
                partition,
                outcome_at IS NOT NULL AND (term IS NULL OR if('{terms}' = 'instant',
                    outcome_at <= term,
                    toDate(outcome_at, '{time_zone}') <= toDate(term, '{time_zone}'))) AS in_time,
                term IS NOT NULL AND toDate(outcome_at, '{time_zone}') < toDate(term, '{time_zone}') AS early,
                ifNull(term, term_computed) AS held,
                toDate(outcome_at, '{time_zone}') AS ended_on,
                toDate(held, '{time_zone}') AS held_on,
                -- Where nothing moved the term there are no steps; else the last step of each rule is its final verdict.
                if(empty(verdict_rule),
                    [
                        if(held IS NULL OR outcome_at <= held, 2, 3),
                        if(held IS NULL OR ended_on <= held_on, 2, 3),
                        if(held IS NULL OR ended_on <= held_on, 2, 3),
                        multiIf(outcome != 'resolved' OR held IS NULL, 2, ended_on < held_on, 1, ended_on = held_on, 2, 3)
                    ],
                    arrayMap(number -> arrayLast((standing, rule) -> rule = number, verdict_standing, verdict_rule), [1, 2, 3, 4])
                ) AS stand,
                arrayExists((online, amount, refunded) -> online AND refunded < greatest(amount, 1),
                    payment_online, payment_amount, payment_refunded) AS paid_online,
                arrayConcat(
                    [
                        (received_at, 'received', toInt64(1)),
                        (received_at, 'received_online', toInt64(channel = 'online')),
                        (received_at, 'received_postal', toInt64(channel = 'postal')),
                        (received_at, 'fee_bearing', toInt64(fee_bearing)),
                        (received_at, 'fee_paid_online', toInt64(fee_bearing AND paid_online)),
                        (outcome_at, 'resolved', toInt64(outcome = 'resolved')),
                        (outcome_at, 'resolved_on_time', toInt64(outcome = 'resolved' AND in_time)),
                        (outcome_at, 'resolved_early', toInt64(outcome = 'resolved' AND early)),
                        (outcome_at, 'resolved_electronically', toInt64(outcome = 'resolved' AND electronic_result)),
                        (outcome_at, 'withdrawn', toInt64(outcome = 'withdrawn')),
                        (outcome_at, 'refused', toInt64(outcome = 'refused')),
                        (outcome_at, 'stopped', toInt64(outcome = 'stopped')),
                        (outcome_at, 'resolved_on_time_by_instant', toInt64(outcome = 'resolved' AND stand[1] = 2)),
                        (outcome_at, 'resolved_on_time_by_date', toInt64(outcome = 'resolved' AND stand[2] = 2)),
                        (outcome_at, 'judged_by_766', toInt64(1)),
                        (outcome_at, 'on_time_by_766', toInt64(stand[3] = 2)),
                        (outcome_at, 'form_early', toInt64(stand[4] = 1)),
                        (outcome_at, 'form_on_time', toInt64(stand[4] = 2)),
                        (returned_at, 'returned', toInt64(1)),
                        (digitised_at, 'digitisations', toInt64(1)),
                        (digitised_at, 'components', toInt64(components)),
                        (digitised_at, 'components_digitised', toInt64(components_digitised)),
                        (digitised_at, 'components_reused', toInt64(components_reused)),
                        (rated_at, 'rated', toInt64(1)),
                        (rated_at, 'satisfied', toInt64(satisfied))
                    ],
                    arrayMap(at -> (toNullable(at), 'extensions', toInt64(1)), extended_at),
                    arrayMap(at -> (toNullable(at), 'supplements', toInt64(1)), supplement_requested_at),
                    arrayMap(at -> (toNullable(at), 'payments', toInt64(1)), payment_at),
                    arrayMap((at, online) -> (toNullable(at), 'payments_online', toInt64(online)), payment_at, payment_online),
                    arrayMap((at, amount) -> (toNullable(at), 'paid_amount', amount), payment_at, payment_amount),
                    arrayMap(at -> (toNullable(at), 'refunds', toInt64(1)), refund_at),
                    arrayMap((at, amount) -> (toNullable(at), 'refunded_amount', amount), refund_at, refund_amount)
                ) AS of_dossier,
                [
                    (received_at, 'feedback_received', toInt64(1)),
                    (outcome_at, 'feedback_answered', toInt64(outcome IN ('answered', 'resolved'))),
                    (outcome_at, 'feedback_on_time', toInt64(outcome IN ('answered', 'resolved') AND in_time)),
                    (rated_at, 'feedback_rated', toInt64(1)),
                    (rated_at, 'feedback_satisfied', toInt64(satisfied))
                ] AS of_feedback,
                [(toNullable(toDateTime64(0, 6, 'UTC')), 'moved', toInt64(1))] AS of_moved,
                arrayJoin(multiIf(pos > {cut}, of_moved, case_kind = 'dossier', of_dossier, of_feedback)) AS counted
            FROM facts FINAL
            WHERE pos > {cut} OR (case_kind != '' AND NOT voided)
        )
        WHERE counted.1 IS NOT NULL AND counted.3 != 0
            AND (counted.2 = 'moved' OR {of_recomputed})
        GROUP BY place, window, partition, counter
    ),
    stored AS
    (
        SELECT agency, window, partition, pos, counted.1 AS counter, counted.2 AS amount
        FROM windows FINAL
        ARRAY JOIN [{counters}, ('touched', toInt64(pos > {cut}))] AS counted
        WHERE amount != 0 AND {of_stored}
    )
SELECT
    agency,
    toUnixTimestamp(window) AS start,
    partition,
    counter,
    sum(is) AS stored_amount,
    sum(should) AS recomputed_amount,
    max(pos) AS stored_pos
FROM
(
    SELECT agency, window, partition, counter, amount AS is, toInt64(0) AS should, pos FROM stored
    UNION ALL
    SELECT place, window, partition, counter, toInt64(0), amount, toUInt64(0) FROM recomputed
)
GROUP BY agency, window, partition, counter
HAVING stored_amount != recomputed_amount OR stored_pos > {cut}
ORDER BY partition, agency, start, counter
SETTINGS max_bytes_before_external_group_by = 500000000, max_bytes_before_external_sort = 500000000
