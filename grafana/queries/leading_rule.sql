SELECT concat(name_vi, ' / ', name_en) AS rule
FROM leading_rule
