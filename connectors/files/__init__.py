"""Files become events: readers of each format, the mapping, the rule, the import and its rejects."""
