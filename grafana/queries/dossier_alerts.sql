SELECT at, state, level, why, agency, term
FROM dossier_alerts FINAL
WHERE dossier = (
    SELECT if(${dossier:singlequote} = '', (SELECT argMax(dossier, seq) FROM dossier_alerts), ${dossier:singlequote}))
ORDER BY seq
