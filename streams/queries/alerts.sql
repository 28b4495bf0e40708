-- Selected alerts, the newest first, each with the number of all selected ones.
SELECT seq, dossier, state, level, why, agency, procedure, term, at, rule, deadline, count() OVER () AS total
FROM dossier_alerts FINAL
WHERE (%(agency)s IS NULL OR agency = %(agency)s)
    AND (%(level)s IS NULL OR level = %(level)s)
    AND (%(dossier)s IS NULL OR dossier = %(dossier)s)
    AND (NOT %(standing)s OR (dossier, seq) IN (SELECT dossier, seq FROM standing_alerts))
ORDER BY seq DESC
LIMIT %(most)s
