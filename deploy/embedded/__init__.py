"""A real Kafka and the real ClickHouse engine as processes of one supervisor."""
