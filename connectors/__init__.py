"""Everything that turns an outside source into events on Kafka, and the publisher they share."""
