-- Codes that were counted and are not declared, by what they stand for: how many cases have them, and up to twenty of these.
-- Of each kind those of the most cases, and how many codes there are. Officials are those of the latest steps, and none is
-- undeclared before any are loaded.
SELECT kind, toString(code), cases, some, count() OVER (PARTITION BY kind) AS codes
FROM
(
    SELECT named.1 AS kind, named.2 AS code, sum(cases) AS cases, groupArrayArray(20)(some) AS some
    FROM
    (
        SELECT arrayJoin([('agency', agency), ('receiver', receiver), ('procedure', procedure)]) AS named, cases, some
        FROM
        (
            SELECT agency, receiver, procedure, count() AS cases, groupArray(5)(dossier) AS some
            FROM facts FINAL
            WHERE NOT voided
            GROUP BY agency, receiver, procedure
        )
    )
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
    GROUP BY kind, code
    UNION ALL
    SELECT 'official', official, count(), groupArray(20)(dossier)
    FROM facts FINAL
    WHERE NOT voided AND official != '' AND (SELECT count() FROM reference_loads WHERE kind = 'officials') > 0
        AND official NOT IN
        (
            SELECT code FROM officials WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'officials')
        )
    GROUP BY official
)
ORDER BY cases DESC, kind, code
LIMIT %(limit)s BY kind
SETTINGS max_bytes_before_external_group_by = 1000000000
