-- Dossiers with an alert that stands, one row, the most urgent first; NULL where none was ever raised.
SELECT
    if(is_told, countIf(match(level, '^overdue-.*d$')), NULL) AS overdue_days,
    if(is_told, countIf(startsWith(level, 'overdue') AND NOT match(level, '^overdue-.*d$')), NULL) AS overdue,
    if(is_told, countIf(startsWith(level, 'due')), NULL) AS due
FROM standing_alerts
CROSS JOIN (SELECT count() > 0 AS is_told FROM dossier_alerts) AS history
WHERE {agency_is_chosen}
GROUP BY is_told
