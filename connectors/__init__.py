"""Everything that turns an outside source into events on Kafka: files, made-up traffic, and their publisher."""
