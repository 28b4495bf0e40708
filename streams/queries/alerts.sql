-- Alerts that match, the newest first, each with the number of all that do.
SELECT seq, dossier, state, level, why, agency, procedure, term, at, count() OVER () AS total
FROM dossier_alerts FINAL
WHERE (%(agency)s IS NULL OR agency = %(agency)s)
    AND (%(level)s IS NULL OR level = %(level)s)
    AND (%(dossier)s IS NULL OR dossier = %(dossier)s)
    AND (NOT %(standing)s OR (dossier, seq) IN (SELECT dossier, seq FROM standing_alerts))
ORDER BY seq DESC
LIMIT %(most)s
