-- The day, month, quarter and year that it is now in the time zone of the deployment: the first instant, and the first
-- instant and the same point of the one before.
CREATE OR REPLACE VIEW periods AS
SELECT
    'day' AS period,
    toStartOfDay(now(), '{time_zone}') AS start,
    toStartOfDay(now('{time_zone}') - INTERVAL 1 DAY, '{time_zone}') AS start_before,
    now('{time_zone}') - INTERVAL 1 DAY AS now_before
UNION ALL
SELECT
    'month',
    toDateTime(toStartOfMonth(now(), '{time_zone}'), '{time_zone}'),
    toDateTime(toStartOfMonth(now('{time_zone}') - INTERVAL 1 MONTH, '{time_zone}'), '{time_zone}'),
    now('{time_zone}') - INTERVAL 1 MONTH
UNION ALL
SELECT
    'quarter',
    toDateTime(toStartOfQuarter(now(), '{time_zone}'), '{time_zone}'),
    toDateTime(toStartOfQuarter(now('{time_zone}') - INTERVAL 1 QUARTER, '{time_zone}'), '{time_zone}'),
    now('{time_zone}') - INTERVAL 1 QUARTER
UNION ALL
SELECT
    'year',
    toDateTime(toStartOfYear(now(), '{time_zone}'), '{time_zone}'),
    toDateTime(toStartOfYear(now('{time_zone}') - INTERVAL 1 YEAR, '{time_zone}'), '{time_zone}'),
    now('{time_zone}') - INTERVAL 1 YEAR
