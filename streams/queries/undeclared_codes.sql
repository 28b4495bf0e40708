-- Codes that were counted and are not declared, by what they stand for: how many cases have them, and the sources of up to
-- twenty of these. Officials are those of the latest steps, and none is missed before any are loaded.
WITH
    counted AS
    (
        SELECT agency, receiver, procedure, count() AS cases, groupArray(5)(dossier) AS some
        FROM facts FINAL
        WHERE NOT voided
        GROUP BY agency, receiver, procedure
    ),
    undeclared AS
    (
        SELECT named.1 AS kind, named.2 AS code, sum(cases) AS dossiers, groupArrayArray(20)(some) AS some
        FROM
        (
            SELECT arrayJoin([('agency', agency), ('receiver', receiver), ('procedure', procedure)]) AS named, cases, some
            FROM counted
            UNION ALL
            SELECT ('official', official) AS named, count() AS cases, groupArray(5)(dossier) AS some
            FROM facts FINAL
            WHERE NOT voided AND (SELECT count() FROM reference_loads WHERE kind = 'officials') > 0
            GROUP BY official
        )
        WHERE code != '' AND multiIf(
            kind = 'official',
            code NOT IN
            (
                SELECT code FROM officials WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'officials')
            ),
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
        GROUP BY kind, code
    )
SELECT kind, toString(code), any(dossiers) AS cases, arraySort(groupUniqArrayIf(toString(source), source != ''))
FROM
(
    SELECT kind, code, dossiers, arrayJoin(some) AS dossier FROM undeclared
) AS named
LEFT JOIN
(
    SELECT DISTINCT dossier, source FROM events WHERE dossier IN (SELECT arrayJoin(some) FROM undeclared)
) AS recorded ON recorded.dossier = named.dossier
GROUP BY kind, code
ORDER BY cases DESC, kind, code
