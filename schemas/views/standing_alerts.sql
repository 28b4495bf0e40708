-- The alert of each dossier that was raised and not cleared since; one of a higher level took the place of the former.
CREATE OR REPLACE VIEW standing_alerts AS
SELECT
    dossier,
    argMax(history.level, history.seq) AS level,
    argMax(history.agency, history.seq) AS agency,
    argMax(history.procedure, history.seq) AS procedure,
    argMax(tuple(history.term), history.seq).1 AS term,
    argMax(history.at, history.seq) AS at,
    argMax(history.rule, history.seq) AS rule,
    argMax(tuple(history.deadline), history.seq).1 AS deadline,
    argMax(history.why, history.seq) AS why,
    max(history.seq) AS seq
FROM dossier_alerts AS history
GROUP BY dossier
HAVING argMax(history.state, history.seq) = 'raised'
-- The table is in the order of dossiers: what was alerted over years is gone through without being held in memory.
SETTINGS optimize_aggregation_in_order = 1
