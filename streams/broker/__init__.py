"""Kafka as everything but the worker uses it: topics, the consumer group, reading a topic, exclusive commands.

Nothing here knows ClickHouse, and nothing decides what an offset means for the counts.
"""
