-- The epochs of the counts: their rules, who restated figures for each and why, and how many figures of months moved.
SELECT epoch, rules, state, changed_at, restated_by, why, loads_after, figures
FROM deployment AS entry FINAL
LEFT JOIN
(
    SELECT epoch, restated_by, why, loads_after FROM restatements FINAL WHERE topic = %(topic)s
) AS said USING (epoch)
LEFT JOIN
(
    SELECT epoch, count() AS figures FROM restated_figures FINAL WHERE topic = %(topic)s GROUP BY epoch
) AS moved USING (epoch)
WHERE topic = %(topic)s
ORDER BY epoch
SETTINGS join_use_nulls = 0
