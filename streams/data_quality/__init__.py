"""Distortions of what sources tell: the table that keeps them, and those that only stored events show."""
