-- Copy number {copy} of every dossier of the model: other ids, in the partitions to which these belong.
INSERT INTO facts
SELECT * REPLACE (concat(dossier, '-{copy}') AS dossier, kafkaMurmurHash(concat(dossier, '-{copy}')) % {partitions} AS partition, 1 AS pos)
FROM model_facts;

INSERT INTO events
SELECT * REPLACE (concat(dossier, '-{copy}') AS dossier, concat(id, '-{copy}') AS id)
FROM model_events;
