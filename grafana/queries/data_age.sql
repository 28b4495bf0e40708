-- How old the newest counted event is: one row, NULL where nothing is counted.
SELECT seconds, published_local
FROM data_age
