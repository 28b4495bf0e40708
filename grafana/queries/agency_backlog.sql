-- Open dossiers by days since their reception, one row; NULL where the agency never had a dossier.
SELECT
    if(count() = 0, NULL, countIf(is_open AND days < 5)) AS under_5,
    if(count() = 0, NULL, countIf(is_open AND days >= 5 AND days < 15)) AS from_5,
    if(count() = 0, NULL, countIf(is_open AND days >= 15 AND days < 30)) AS from_15,
    if(count() = 0, NULL, countIf(is_open AND days >= 30 AND days < 90)) AS from_30,
    if(count() = 0, NULL, countIf(is_open AND days >= 90)) AS from_90
FROM
(
    SELECT is_open, dateDiff('second', received_at, now64(6)) / 86400 AS days
    FROM dossiers
    WHERE {agency_is_chosen}
)
