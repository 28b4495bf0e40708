-- Registers of a dossier for which events of different content have the same greatest (recorded_at, seq): nobody said which
-- is newer, so the greatest id holds, which means nothing. A source that sends a later recorded_at, or a greater seq, ends it.
CREATE OR REPLACE VIEW event_ties AS
SELECT
    dossier,
    register,
    newest.1 AS recorded_at,
    newest.2 AS seq,
    length(arrayDistinct(arrayMap(said -> (said.4, said.6, said.7), tied))) AS contents,
    tied[-1].3 AS holds,
    arrayDistinct(arrayMap(said -> said.5, tied)) AS sources,
    tied
FROM
(
    SELECT
        dossier,
        register,
        newest,
        arraySort(arrayFilter(said -> (said.1, said.2) = newest, every)) AS tied
    FROM
    (
        SELECT
            dossier,
            register,
            max((told.recorded_at, told.seq)) AS newest,
            groupArray((told.recorded_at, told.seq, id, kind, source, occurred_at, content)) AS every
        FROM
        (
            SELECT
                dossier,
                recorded_at,
                seq,
                id,
                kind,
                source,
                occurred_at,
                -- An amendment is one of each field that it names; of all others the whole payload is one.
                arrayJoin(if(kind = 'amended', JSONExtractKeys(payload), [''])) AS field,
                if(kind = 'amended', JSONExtractRaw(payload, field), payload) AS content,
                multiIf(
                    kind = 'amended', concat('amended ', field),
                    kind IN ('assigned', 'transferred'), 'assignment',
                    kind IN ('resolved', 'withdrawn', 'refused', 'stopped', 'reopened'), 'outcome',
                    kind IN ('paid', 'refunded'), concat(kind, ' ', JSONExtractString(payload, 'transaction')),
                    JSONHas(payload, 'number'), concat(kind, ' ', JSONExtractRaw(payload, 'number')),
                    kind) AS register
            FROM events FINAL
        ) AS told
        GROUP BY dossier, register
    )
)
WHERE contents > 1
