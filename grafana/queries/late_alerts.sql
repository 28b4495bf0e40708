-- Dossiers with an alert that stands, one row, the most urgent first; NULL where none was ever raised.
WITH (SELECT count() > 0 FROM dossier_alerts) AS is_told
SELECT
    if(is_told, countIf(match(level, '^overdue-.*d$')), NULL) AS overdue_days,
    if(is_told, countIf(startsWith(level, 'overdue') AND NOT match(level, '^overdue-.*d$')), NULL) AS overdue,
    if(is_told, countIf(startsWith(level, 'due')), NULL) AS due
FROM standing_alerts
WHERE {agency_is_chosen}
