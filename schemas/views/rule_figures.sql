-- Dossiers of each agency by each rule, from one local day to another, both included: what was received in these days or
-- carried over into them, and how it stood when the last day ended, or stands now where it has not. The report form counts
-- dossiers that wait for supplements as on time although they are open: `pending` has them, `ended` has not.
CREATE OR REPLACE VIEW rule_figures AS
SELECT
    agency,
    CAST(number, 'Enum8(\'instant\' = 1, \'date\' = 2, \'decision 766\' = 3, \'report form\' = 4)') AS rule,
    number = {leading} AS is_leading,
    sumIf(found.dossiers, NOT is_carried_over) AS received,
    sumIf(found.dossiers, NOT is_carried_over AND is_online) AS received_online,
    sumIf(found.dossiers, is_carried_over) AS carried_over,
    sum(found.dossiers) AS dossiers,
    sumIf(found.dossiers, has_ended) AS ended,
    sumIf(found.dossiers, NOT has_ended) AS pending,
    sumIf(found.dossiers, standing = 1) AS early,
    sumIf(found.dossiers, standing = 2) AS on_time,
    sumIf(found.dossiers, standing = 3) AS late,
    sumIf(found.dossiers, standing = 4) AS in_term,
    sumIf(found.dossiers, standing = 5) AS overdue,
    early + on_time + in_term AS kept,
    kept / dossiers AS kept_rate
FROM
(
    WITH
        {verdicts},
        -- Some zones skip midnights: add days to dates.
        toDateTime64({since:Date}, 6, '{time_zone}') AS beginning,
        assumeNotNull((SELECT least(
            subtractMicroseconds(toDateTime64(addDays(toDate32({until:Date}), 1), 6, '{time_zone}'), 1),
            now64(6)))) AS as_of
    SELECT
        toString(agency) AS agency,
        received_at < beginning AS is_carried_over,
        channel = 'online' AS is_online,
        ifNull(outcome_at <= as_of, false) AS has_ended,
        [standing_by(1, as_of), standing_by(2, as_of), standing_by(3, as_of), standing_by(4, as_of)] AS standings,
        count() AS dossiers
    FROM facts FINAL
    WHERE case_kind = 'dossier' AND NOT voided AND received_at <= as_of
        AND (received_at >= beginning OR ifNull(outcome_at >= beginning, true))
    GROUP BY agency, is_carried_over, is_online, has_ended, standings
) AS found
ARRAY JOIN found.standings AS standing, [1, 2, 3, 4] AS number
GROUP BY agency, number
