-- Lines that could not be counted, each with its source and what was decided about it; their content stays in dead_letters.
CREATE OR REPLACE VIEW letters AS
SELECT
    topic,
    partition,
    offset,
    line,
    reason,
    field,
    detail,
    if(JSONType(content, 'source') = 'String', JSONExtractString(content, 'source'), '') AS source,
    published_at,
    if(empty(decisions.state), 'open', decisions.state) AS state,
    decisions.why AS why,
    decisions.erased AS erased,
    if(state = 'open', NULL, decisions.decided_at) AS decided_at
FROM dead_letters AS dead FINAL
LEFT JOIN dead_letter_decisions AS decisions FINAL USING (topic, partition, offset, line, published_at)
SETTINGS join_use_nulls = 0
