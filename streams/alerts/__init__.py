"""Alerts about late dossiers: the rule, the scanner that applies it, the topic and table of alerts, and their delivery.

Nothing here may change a count or keep an event from being counted.
"""
