-- Fills receiver_days every five minutes: facts are not kept by the day of reception.
DROP VIEW IF EXISTS refresh_receiver_days;

CREATE MATERIALIZED VIEW refresh_receiver_days REFRESH AFTER 5 MINUTE TO receiver_days AS
SELECT
    if(facts.receiver = '', facts.agency, facts.receiver) AS receiver,
    toDate(assumeNotNull(received_at), '{time_zone}') AS day,
    toInt64(count()) AS received,
    toInt64(countIf(channel = 'online')) AS received_online,
    toInt64(countIf(channel = 'postal')) AS received_postal
FROM facts FINAL
WHERE case_kind = 'dossier' AND NOT voided AND received_at IS NOT NULL
GROUP BY receiver, day
SETTINGS max_threads = 1
