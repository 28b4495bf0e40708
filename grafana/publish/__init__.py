"""Publishes to a Grafana: reads what it has, plans the differences, and writes only these."""
