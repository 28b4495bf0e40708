-- Groups of agencies that are compared with each other; none before agencies are declared.
SELECT DISTINCT code AS value, if(lengthUTF8(text) > 80, concat(substringUTF8(text, 1, 79), '…'), text) AS label
FROM
(
    SELECT `group` AS code, {group_name} AS text
    FROM agency_labels
    WHERE is_current AND code != ''
)
ORDER BY value
