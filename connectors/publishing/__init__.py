"""The publisher that all connectors share, and its way to Kafka."""
