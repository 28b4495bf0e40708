-- Event ids that came with more than one content. The content with the greatest (recorded_at, seq) counts.
CREATE OR REPLACE VIEW event_conflicts AS
SELECT
    dossier,
    id,
    count() AS contents,
    arraySort(groupArray((recorded_at, seq, kind, source, occurred_at, payload))) AS recordings
FROM events FINAL
GROUP BY dossier, id
HAVING contents > 1
