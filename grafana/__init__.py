"""Wallboards, dashboards and alert rules as code: JSON from small functions and SQL files, and its publication."""
