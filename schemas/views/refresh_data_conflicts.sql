-- Fills data_conflicts every half hour. What one source corrects is no conflict: of its records of a reception, those
-- with the greatest (recorded_at, seq) are held against those of the others. Transactions are compared within two years.
DROP VIEW IF EXISTS refresh_data_conflicts;

CREATE MATERIALIZED VIEW refresh_data_conflicts REFRESH AFTER 30 MINUTE TO data_conflicts AS
SELECT flag.1 AS kind, dossier, agency, assumeNotNull(flag.2) AS since, flag.3 AS detail
FROM
(
    SELECT
        dossier,
        agency,
        arrayJoin(arrayFilter(flag -> flag.1 != '', [
            -- A day without a time begins at midnight, before the reception of that day.
            if(ended < received_at AND (toDate(ended, '{time_zone}') < toDate(received_at, '{time_zone}')
                    OR ended != toStartOfDay(ended, '{time_zone}')),
                ('outcome_before_reception', ended, concat(toString(dateDiff('second', ended, received_at)), ' seconds before')),
                ('', NULL, '')),
            if(arrayExists((paid, back) -> back > paid, payment_amount, payment_refunded)
                    OR arraySum(refund_amount) > arraySum(payment_amount),
                ('refunds_exceed_payments', arrayMax(refund_at),
                    concat(toString(arraySum(refund_amount)), ' back of ', toString(arraySum(payment_amount)))),
                ('', NULL, ''))
        ])) AS flag
    FROM
    (
        SELECT
            dossier,
            agency,
            received_at,
            least(ifNull(outcome_at, returned_at), ifNull(returned_at, outcome_at)) AS ended,
            payment_amount,
            payment_refunded,
            refund_at,
            refund_amount
        FROM facts FINAL
        WHERE case_kind != '' AND NOT voided AND (ended < received_at OR notEmpty(refund_at))
    )
    UNION ALL
    SELECT facts.dossier, facts.agency, found.flag
    FROM facts FINAL
    INNER JOIN
    (
        SELECT
            dossier,
            arrayJoin(arrayFilter(flag -> flag.1 != '', [
                if(uniqExact(said.kind) > 1,
                    ('dossier_and_feedback', toNullable(max(occurred_at)), 'a feedback has the id of this dossier'),
                    ('', NULL, '')),
                if(uniqExact(said.source) > 1,
                    ('two_sources', toNullable(max(occurred_at)), arrayStringConcat(arraySort(groupUniqArray(said.source)), ', ')),
                    ('', NULL, '')),
                if(uniqExact(said.agency) > 1 AND uniqExact(said.kind) = 1,
                    ('two_agencies', toNullable(max(occurred_at)), arrayStringConcat(arraySort(groupUniqArray(said.agency)), ', ')),
                    ('', NULL, '')),
                if(uniqExact(said.channel) > 1 AND uniqExact(said.kind) = 1,
                    ('two_channels', toNullable(max(occurred_at)), arrayStringConcat(arraySort(groupUniqArray(said.channel)), ', ')),
                    ('', NULL, ''))
            ])) AS flag
        FROM
        (
            SELECT
                dossier,
                kind,
                source,
                occurred_at,
                JSONExtractString(payload, 'agency') AS agency,
                JSONExtractString(payload, 'channel') AS channel,
                (recorded_at, seq) = max((recorded_at, seq)) OVER (PARTITION BY dossier, source, kind) AS is_last
            FROM events FINAL
            WHERE kind IN ('received', 'feedback_received') AND dossier IN
            (
                SELECT dossier
                FROM events
                WHERE kind IN ('received', 'feedback_received')
                GROUP BY dossier
                HAVING min(digest) != max(digest)
            )
        ) AS said
        WHERE is_last
        GROUP BY dossier
        UNION ALL
        SELECT
            arrayJoin(dossiers) AS dossier,
            (
                'shared_transaction',
                toNullable(latest),
                concat('also in ', arrayStringConcat(arraySlice(arrayFilter(other -> other != dossier, dossiers), 1, 10), ', '))
            ) AS flag
        FROM
        (
            SELECT arraySort(groupUniqArray(dossier)) AS dossiers, max(occurred_at) AS latest
            FROM events
            WHERE kind = 'paid' AND occurred_at >= toStartOfYear(now() - INTERVAL 1 YEAR) AND sipHash64(dossier) IN
                (
                    SELECT arrayJoin([min(sipHash64(dossier)) AS one, max(sipHash64(dossier)) AS another])
                    FROM events
                    WHERE kind = 'paid' AND occurred_at >= toStartOfYear(now() - INTERVAL 1 YEAR)
                    GROUP BY sipHash64(JSONExtractString(payload, 'gateway'), JSONExtractString(payload, 'transaction'))
                    HAVING one != another
                )
            GROUP BY JSONExtractString(payload, 'gateway'), JSONExtractString(payload, 'transaction')
            HAVING length(dossiers) > 1
        )
    ) AS found ON facts.dossier = found.dossier
    WHERE facts.case_kind != '' AND NOT facts.voided
)
SETTINGS max_threads = 1, optimize_aggregation_in_order = 1, max_bytes_before_external_group_by = 268435456
