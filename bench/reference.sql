-- all nodes, six figures
SELECT node, any(name_vi), sum(received), sum(received_online), sum(resolved), sum(resolved_on_time), sum(open), sum(overdue)
FROM node_figures(way = '{way}', {span})
GROUP BY node;

-- all nodes, every figure
SELECT * FROM node_figures(way = '{way}', {span});

-- children of the city
SELECT node, any(name_vi), sum(received), sum(resolved), sum(resolved_on_time), sum(open), sum(overdue)
FROM node_figures(way = '{way}', {span})
WHERE parent = 'H26.0'
GROUP BY node;

-- ranking of communes
SELECT node, any(name_vi), sum(resolved_on_time) / nullIf(sum(resolved), 0) AS rate
FROM node_figures(way = '{way}', {span})
WHERE `group` = 'xã phường'
GROUP BY node
ORDER BY rate DESC
LIMIT 200;

-- days of a department
SELECT day, received, resolved FROM node_days(node = 'H26.5', way = '{way}', {span}) ORDER BY day;

-- receiving offices
SELECT node, sum(received), sum(open) FROM receiver_figures(way = '{way}', {span}) GROUP BY node;

-- the tree of a day
SELECT * FROM agency_tree(as_of = yesterday());

-- procedures and fields
SELECT * FROM procedure_figures({span});
