-- Fills city_waiting every quarter of a minute: asked over millions of dossiers, the view waiting takes too long for a wallboard.
DROP VIEW IF EXISTS refresh_city_waiting;

CREATE MATERIALIZED VIEW refresh_city_waiting REFRESH AFTER 15 SECOND TO city_waiting AS
SELECT kind, term, dossiers, overdue
FROM waiting
SETTINGS max_threads = 1
