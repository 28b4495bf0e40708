-- Figures of months before and after each rebuild that moved them, with who, when and why; a figure that is not here was
-- not changed. An empty rule is a counter of windows; otherwise the figure says how dossiers stood by this rule at the end
-- of the month.
CREATE OR REPLACE VIEW figure_restatements AS
SELECT
    said.restated_at AS restated_at,
    said.restated_by AS restated_by,
    said.why AS why,
    said.from_epoch AS from_epoch,
    figures.epoch AS epoch,
    figures.agency AS agency,
    figures.month AS month,
    figures.rule AS rule,
    figures.figure AS figure,
    figures.before AS before,
    figures.after AS after
FROM restated_figures AS figures FINAL
INNER JOIN
(
    SELECT topic, epoch, from_epoch, restated_at, restated_by, why
    FROM restatements FINAL
    WHERE (topic, epoch) IN (SELECT topic, epoch FROM deployment FINAL WHERE state = 'serving')
) AS said USING (topic, epoch)
