"""Files of reference data become agencies, procedures and officials: tables, columns, cells, and what is wrong."""
