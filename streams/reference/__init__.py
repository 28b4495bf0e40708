"""Reference data in ClickHouse: loads of agencies, procedures and officials, and codes that are not declared."""
