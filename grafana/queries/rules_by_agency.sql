-- Dossiers of the chosen period by each rule and agency, or of all chosen agencies together.
SELECT
    {keys}
    toString(figures.rule) AS rule,
    sum(figures.received_online) AS received_online,
    sum(figures.received - figures.received_online) AS received_otherwise,
    sum(figures.carried_over) AS carried_over,
    sum(figures.dossiers) AS dossiers,
    sum(figures.ended) AS ended,
    sum(figures.early) AS early,
    sum(figures.on_time) AS on_time,
    sum(figures.late) AS late,
    sum(figures.pending) AS pending,
    sum(figures.in_term) AS in_term,
    sum(figures.overdue) AS overdue,
    sum(figures.kept) / nullIf(sum(figures.dossiers), 0) AS kept_rate
FROM rule_figures(
    since = assumeNotNull((SELECT maxOrNull(toDate(start)) FROM periods WHERE period = decodeURLComponent('${period:percentencode}'))),
    until = assumeNotNull((SELECT toDate(start) FROM periods WHERE period = 'day'))) AS figures
WHERE {agency_is_chosen}
GROUP BY {grouped} figures.rule
ORDER BY {order} figures.rule
LIMIT 8000
