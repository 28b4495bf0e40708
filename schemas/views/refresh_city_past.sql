-- Fills city_past every five minutes with all days before today; what happened today is read from windows at once. The
-- days a day, a month, a quarter and a year ago come by five minutes as well, since figures are compared up to a point of them.
DROP VIEW IF EXISTS refresh_city_past;

CREATE MATERIALIZED VIEW refresh_city_past REFRESH AFTER 5 MINUTE TO city_past AS
WITH
    (SELECT groupArray(toDate(now_before, '{time_zone}')) FROM periods) AS compared,
    (true, toDateTime(toStartOfDay(window, '{time_zone}'), 'UTC')) AS whole,
    (false, window) AS part
SELECT
    toStartOfDay(now(), '{time_zone}') AS until,
    placed.1 AS is_day,
    placed.2 AS start,
    sum(windows.received) AS received,
    sum(windows.received_online) AS received_online,
    sum(windows.fee_bearing) AS fee_bearing,
    sum(windows.fee_paid_online) AS fee_paid_online,
    sum(windows.resolved) AS resolved,
    sum(windows.resolved_on_time) AS resolved_on_time,
    sum(windows.resolved + windows.withdrawn + windows.refused + windows.stopped) AS ended,
    sum(windows.components) AS components,
    sum(windows.components_digitised) AS components_digitised,
    sum(windows.rated) AS rated,
    sum(windows.satisfied) AS satisfied,
    sum(windows.feedback_answered) AS feedback_answered,
    sum(windows.feedback_on_time) AS feedback_on_time,
    sum(windows.on_time) AS on_time,
    sum(windows.judged) AS judged
FROM
(
    SELECT *, {on_time} AS on_time, {judged} AS judged
    FROM windows FINAL
) AS windows
ARRAY JOIN if(has(compared, toDate(window, '{time_zone}')), [whole, part], [whole]) AS placed
WHERE window < toStartOfDay(now(), '{time_zone}')
GROUP BY placed.1, placed.2
SETTINGS max_threads = 1
