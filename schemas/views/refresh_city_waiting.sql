-- Fills city_waiting every quarter of a minute: asked over millions of dossiers, the view waiting takes too long for a wallboard.
-- The row `refreshed` says when: without one, or with an old one, nobody knows what is overdue.
DROP VIEW IF EXISTS refresh_city_waiting;

CREATE MATERIALIZED VIEW refresh_city_waiting REFRESH AFTER 15 SECOND TO city_waiting AS
SELECT kind, agency, receiver, due_at, dossiers, overdue
FROM waiting
UNION ALL
SELECT 'refreshed', '', '', now64(6), 0, 0
SETTINGS max_threads = 1
