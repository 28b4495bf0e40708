"""Publishing to a real Grafana: what it has is read, what differs is planned, and only that is written."""
