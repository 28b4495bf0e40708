SELECT at, state, level, why, {agency_code} AS agency, {agency_name} AS agency_name, rule, term, deadline
FROM dossier_alerts FINAL
WHERE dossier = (
    WITH decodeURLComponent('${dossier:percentencode}') AS chosen
    SELECT if(chosen = '', (SELECT argMax(dossier, seq) FROM dossier_alerts), chosen))
ORDER BY seq
