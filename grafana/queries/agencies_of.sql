SELECT agency
FROM
(
    {agency_places}
)
WHERE {condition}
