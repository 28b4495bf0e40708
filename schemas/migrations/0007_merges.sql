-- Batches are large and come in the order of their keys' dates, so parts are worth merging only many at a time: with the
-- default of 5 merging costs five times as much as inserting does. Parts up to 64 MB are one file instead of two a column.
ALTER TABLE events MODIFY SETTING merge_selector_base = 15, min_bytes_for_wide_part = 67108864;

ALTER TABLE facts MODIFY SETTING merge_selector_base = 15, min_bytes_for_wide_part = 67108864;

ALTER TABLE windows MODIFY SETTING merge_selector_base = 15, min_bytes_for_wide_part = 67108864;
