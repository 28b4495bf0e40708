"""Wallboards, dashboards and alerts as code: what Grafana is given, made from small functions and SQL files."""
