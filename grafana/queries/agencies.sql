-- Every agency that ever had a dossier or feedback.
SELECT DISTINCT agency AS value, agency AS label
FROM windows
WHERE agency != ''
ORDER BY agency
