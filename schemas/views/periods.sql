-- The day, month, quarter and year that it is now in the time zone of the deployment, and their first instants.
CREATE OR REPLACE VIEW periods AS
SELECT 'day' AS period, toStartOfDay(now(), '{time_zone}') AS start
UNION ALL
SELECT 'month', toDateTime(toStartOfMonth(now(), '{time_zone}'), '{time_zone}')
UNION ALL
SELECT 'quarter', toDateTime(toStartOfQuarter(now(), '{time_zone}'), '{time_zone}')
UNION ALL
SELECT 'year', toDateTime(toStartOfYear(now(), '{time_zone}'), '{time_zone}')
