-- Roll-ups of the city by the leading rule; they are filled again and again, and hold nothing of their own.
ALTER TABLE city_past
    ADD COLUMN IF NOT EXISTS on_time Int64 COMMENT 'dossiers that ended in time by the leading rule',
    ADD COLUMN IF NOT EXISTS judged  Int64 COMMENT 'dossiers that ended and are judged by the leading rule';

ALTER TABLE city_waiting
    RENAME COLUMN IF EXISTS term TO due_at;

ALTER TABLE city_waiting
    COMMENT COLUMN due_at 'Of now: the last instant in time by the leading rule; of refreshed: when';

ALTER TABLE city_waiting
    MODIFY COMMENT 'Open dossiers of the whole city by deadline, and how many there were before'
