-- Codes that were counted and are not declared, by what they stand for: how many cases have them, and the sources of a
-- hundred of these.
WITH
    counted AS
    (
        SELECT
            dossier,
            arrayJoin([('agency', toString(agency)), ('receiver', toString(receiver)), ('procedure', toString(procedure))]) AS named,
            named.1 AS kind,
            named.2 AS code
        FROM facts FINAL
        WHERE NOT voided
    ),
    undeclared AS
    (
        SELECT dossier, kind, code
        FROM counted
        WHERE code != '' AND if(
            kind = 'procedure',
            code NOT IN
            (
                SELECT code FROM procedures WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'procedures')
            ),
            code NOT IN
            (
                SELECT agency FROM agency_placements
                WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'agencies')
            ))
    ),
    some AS
    (
        SELECT kind, code, dossier FROM undeclared LIMIT 100 BY kind, code
    ),
    sources AS
    (
        SELECT kind, code, arraySort(groupUniqArray(toString(source))) AS names
        FROM some
        INNER JOIN (SELECT DISTINCT dossier, source FROM events WHERE dossier IN (SELECT dossier FROM some)) AS recorded
            ON recorded.dossier = some.dossier
        GROUP BY kind, code
    )
SELECT totals.kind, totals.code, totals.dossiers, sources.names
FROM (SELECT kind, code, count() AS dossiers FROM undeclared GROUP BY kind, code) AS totals
LEFT JOIN sources ON sources.kind = totals.kind AND sources.code = totals.code
ORDER BY totals.dossiers DESC, totals.kind, totals.code
