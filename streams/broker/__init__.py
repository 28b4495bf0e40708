"""What is asked of Kafka: topics, the group of workers, reading a topic."""
