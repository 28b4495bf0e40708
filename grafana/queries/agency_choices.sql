-- Agencies to choose from, in the order of the tree. A name that several have is followed by the code.
SELECT agency AS value, if(count() OVER (PARTITION BY text) > 1, concat(text, ' (', agency, ')'), text) AS label
FROM
(
    SELECT
        agency,
        path,
        {agency_name} AS name,
        if(lengthUTF8(name) > 80, concat(substringUTF8(name, 1, 79), '…'), name) AS text
    FROM
    (
        {agency_places}
    )
    WHERE code = agency AND {is_offered}
)
ORDER BY path, agency != path[-1], agency
