"""Metrics, each with its name, kind and help. Nothing here knows what is measured, or who reads it."""
