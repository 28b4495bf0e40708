"""Metrics: every one with its name, kind and help."""
