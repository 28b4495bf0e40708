-- Lines that could not be counted and wait for a decision.
CREATE OR REPLACE VIEW open_dead_letters AS
SELECT topic, partition, offset, line, reason, field, detail, source, published_at
FROM letters
WHERE state = 'open'
