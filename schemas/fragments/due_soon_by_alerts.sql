is_open AND NOT is_overdue AND dossier IN (SELECT dossier FROM standing_alerts WHERE level = 'due-soon')
