SELECT at, state, level, why, agency, term
FROM dossier_alerts FINAL
WHERE dossier = ${dossier:singlequote}
ORDER BY seq
