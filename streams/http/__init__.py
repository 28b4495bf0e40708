"""Bounded HTTP: a small server for metrics and health, and a client. Nothing here knows Kafka, ClickHouse or counts."""
