-- Figures of the nodes of the tree from one local day to another, both included, with each dossier at the place of its
-- agency then (way = 'then') or today (way = 'today'). Add up the rows of a node: one, `is_own`, is what belongs to the
-- node itself, the others are what its children have; so children and own are always the node. A node that had two
-- parents has rows of both paths. Names are those of today. Open and overdue are as of now and at the places of today,
-- whatever the days; NULL where city_waiting was not filled for ten minutes.
CREATE OR REPLACE VIEW node_figures AS
WITH
    {way:Enum8('then' = 1, 'today' = 2)} = 'then' AS is_then,
    toDate(now(), '{time_zone}') AS today,
    (SELECT max(load) FROM reference_loads WHERE kind = 'agencies') AS current,
    -- The days after the first on which a place changes: between two of them, each agency has one place.
    (
        SELECT groupUniqArray(valid_from)
        FROM agency_placements
        WHERE load = current AND is_then AND valid_from > {since:Date} AND valid_from <= {until:Date}
    ) AS changes,
    -- Whole months within which no place changes are read as such.
    (
        SELECT groupUniqArray(month)
        FROM agency_months
        WHERE month >= {since:Date} AND toLastDayOfMonth(month) <= {until:Date} AND (SELECT count() FROM windows) >= 500000
            AND NOT arrayExists(change -> change > month AND change <= toLastDayOfMonth(month), changes)
    ) AS months
SELECT
    node,
    parent,
    path,
    is_own,
    agency_names.name_vi AS name_vi,
    agency_names.name_en AS name_en,
    agency_names.level AS level,
    agency_names.`group` AS `group`,
    agency_names.code != '' AS is_declared,
    received,
    received_online,
    received_postal,
    fee_bearing,
    fee_paid_online,
    resolved,
    resolved_on_time,
    resolved_early,
    resolved_electronically,
    returned,
    withdrawn,
    refused,
    stopped,
    extensions,
    supplements,
    payments,
    payments_online,
    paid_amount,
    refunds,
    refunded_amount,
    digitisations,
    components,
    components_digitised,
    components_reused,
    rated,
    satisfied,
    feedback_received,
    feedback_answered,
    feedback_on_time,
    feedback_rated,
    feedback_satisfied,
    resolved_on_time_by_instant,
    resolved_on_time_by_date,
    judged_by_766,
    on_time_by_766,
    form_early,
    form_on_time,
    {on_time} AS on_time,
    {judged} AS judged,
    if(is_known, counted.open, NULL) AS open,
    if(is_known, counted.overdue, NULL) AS overdue
FROM
(
    SELECT
        arraySlice(whole_path, 1, depth) AS path,
        path[-1] AS node,
        if(depth > 1, whole_path[depth - 1], '') AS parent,
        depth = length(whole_path) AS is_own,
        (SELECT maxOrNull(due_at) > now64(6) - INTERVAL 10 MINUTE FROM city_waiting WHERE kind = 'refreshed') AS is_known,
        sum(placed.received) AS received,
        sum(placed.received_online) AS received_online,
        sum(placed.received_postal) AS received_postal,
        sum(placed.fee_bearing) AS fee_bearing,
        sum(placed.fee_paid_online) AS fee_paid_online,
        sum(placed.resolved) AS resolved,
        sum(placed.resolved_on_time) AS resolved_on_time,
        sum(placed.resolved_early) AS resolved_early,
        sum(placed.resolved_electronically) AS resolved_electronically,
        sum(placed.returned) AS returned,
        sum(placed.withdrawn) AS withdrawn,
        sum(placed.refused) AS refused,
        sum(placed.stopped) AS stopped,
        sum(placed.extensions) AS extensions,
        sum(placed.supplements) AS supplements,
        sum(placed.payments) AS payments,
        sum(placed.payments_online) AS payments_online,
        sum(placed.paid_amount) AS paid_amount,
        sum(placed.refunds) AS refunds,
        sum(placed.refunded_amount) AS refunded_amount,
        sum(placed.digitisations) AS digitisations,
        sum(placed.components) AS components,
        sum(placed.components_digitised) AS components_digitised,
        sum(placed.components_reused) AS components_reused,
        sum(placed.rated) AS rated,
        sum(placed.satisfied) AS satisfied,
        sum(placed.feedback_received) AS feedback_received,
        sum(placed.feedback_answered) AS feedback_answered,
        sum(placed.feedback_on_time) AS feedback_on_time,
        sum(placed.feedback_rated) AS feedback_rated,
        sum(placed.feedback_satisfied) AS feedback_satisfied,
        sum(placed.resolved_on_time_by_instant) AS resolved_on_time_by_instant,
        sum(placed.resolved_on_time_by_date) AS resolved_on_time_by_date,
        sum(placed.judged_by_766) AS judged_by_766,
        sum(placed.on_time_by_766) AS on_time_by_766,
        sum(placed.form_early) AS form_early,
        sum(placed.form_on_time) AS form_on_time,
        sum(placed.open) AS open,
        sum(placed.overdue) AS overdue
    FROM
    (
        SELECT parts.*, if(empty(places.path), [code], places.path) AS whole_path
        FROM
        (
            SELECT
                toString(agency) AS code,
                if(is_then, max(day), today) AS placed_on,
                sum(counted_days.received) AS received,
                sum(counted_days.received_online) AS received_online,
                sum(counted_days.received_postal) AS received_postal,
                sum(counted_days.fee_bearing) AS fee_bearing,
                sum(counted_days.fee_paid_online) AS fee_paid_online,
                sum(counted_days.resolved) AS resolved,
                sum(counted_days.resolved_on_time) AS resolved_on_time,
                sum(counted_days.resolved_early) AS resolved_early,
                sum(counted_days.resolved_electronically) AS resolved_electronically,
                sum(counted_days.returned) AS returned,
                sum(counted_days.withdrawn) AS withdrawn,
                sum(counted_days.refused) AS refused,
                sum(counted_days.stopped) AS stopped,
                sum(counted_days.extensions) AS extensions,
                sum(counted_days.supplements) AS supplements,
                sum(counted_days.payments) AS payments,
                sum(counted_days.payments_online) AS payments_online,
                sum(counted_days.paid_amount) AS paid_amount,
                sum(counted_days.refunds) AS refunds,
                sum(counted_days.refunded_amount) AS refunded_amount,
                sum(counted_days.digitisations) AS digitisations,
                sum(counted_days.components) AS components,
                sum(counted_days.components_digitised) AS components_digitised,
                sum(counted_days.components_reused) AS components_reused,
                sum(counted_days.rated) AS rated,
                sum(counted_days.satisfied) AS satisfied,
                sum(counted_days.feedback_received) AS feedback_received,
                sum(counted_days.feedback_answered) AS feedback_answered,
                sum(counted_days.feedback_on_time) AS feedback_on_time,
                sum(counted_days.feedback_rated) AS feedback_rated,
                sum(counted_days.feedback_satisfied) AS feedback_satisfied,
                sum(counted_days.resolved_on_time_by_instant) AS resolved_on_time_by_instant,
                sum(counted_days.resolved_on_time_by_date) AS resolved_on_time_by_date,
                sum(counted_days.judged_by_766) AS judged_by_766,
                sum(counted_days.on_time_by_766) AS on_time_by_766,
                sum(counted_days.form_early) AS form_early,
                sum(counted_days.form_on_time) AS form_on_time,
                0 AS open,
                0 AS overdue
            FROM 
            (
                SELECT
                    agency,
                    month AS day,
                    received,
                    received_online,
                    received_postal,
                    fee_bearing,
                    fee_paid_online,
                    resolved,
                    resolved_on_time,
                    resolved_early,
                    resolved_electronically,
                    returned,
                    withdrawn,
                    refused,
                    stopped,
                    extensions,
                    supplements,
                    payments,
                    payments_online,
                    paid_amount,
                    refunds,
                    refunded_amount,
                    digitisations,
                    components,
                    components_digitised,
                    components_reused,
                    rated,
                    satisfied,
                    feedback_received,
                    feedback_answered,
                    feedback_on_time,
                    feedback_rated,
                    feedback_satisfied,
                    resolved_on_time_by_instant,
                    resolved_on_time_by_date,
                    judged_by_766,
                    on_time_by_766,
                    form_early,
                    form_on_time
                FROM agency_months
                WHERE has(months, month)
                UNION ALL
                SELECT
                    agency,
                    day,
                    received,
                    received_online,
                    received_postal,
                    fee_bearing,
                    fee_paid_online,
                    resolved,
                    resolved_on_time,
                    resolved_early,
                    resolved_electronically,
                    returned,
                    withdrawn,
                    refused,
                    stopped,
                    extensions,
                    supplements,
                    payments,
                    payments_online,
                    paid_amount,
                    refunds,
                    refunded_amount,
                    digitisations,
                    components,
                    components_digitised,
                    components_reused,
                    rated,
                    satisfied,
                    feedback_received,
                    feedback_answered,
                    feedback_on_time,
                    feedback_rated,
                    feedback_satisfied,
                    resolved_on_time_by_instant,
                    resolved_on_time_by_date,
                    judged_by_766,
                    on_time_by_766,
                    form_early,
                    form_on_time
                FROM agency_days
                WHERE day BETWEEN {since:Date} AND {until:Date} AND NOT has(months, toStartOfMonth(day))
            ) AS counted_days
            GROUP BY agency, arrayCount(change -> change <= day, changes)
            UNION ALL
            SELECT
                toString(agency),
                today,
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                sum(dossiers),
                sumIf(dossiers, now64(6) > due_at)
            FROM city_waiting
            WHERE kind = 'now' AND dossiers > 0
            GROUP BY agency
        ) AS parts
        ASOF LEFT JOIN
        (
            SELECT agency, valid_from, path FROM agency_placements WHERE load = current
        ) AS places ON parts.code = places.agency AND parts.placed_on >= places.valid_from
    ) AS placed
    ARRAY JOIN arrayEnumerate(whole_path) AS depth
    GROUP BY path, parent, node, is_own
) AS counted
LEFT JOIN agency_names ON agency_names.code = counted.node
SETTINGS join_use_nulls = 0
