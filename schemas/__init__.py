"""Events, topics, tables and their SQL: the formats of what is sent and stored, without any I/O."""
